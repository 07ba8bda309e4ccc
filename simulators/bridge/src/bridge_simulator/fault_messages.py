"""Protobuf messages ↔ faults. What is wrong with a plan is said fault by fault."""

import re
from collections.abc import Iterator, Sequence

from bridge_simulator.fault_rows import FaultCount
from bridge_simulator.faults import Effect, Fault, InjectedProblem
from bridge_simulator.problems import DictProblem, Violation
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb

FAULTS_MAX = 1000
DELAY_MS_MAX = 600_000
DETAIL_CHARACTERS_MAX = 1000
"""The whole problem travels in the trailing metadata, which gRPC limits to 8 KiB."""

CALLS = frozenset(
    method.name for method in bridge_pb2.DESCRIPTOR.services_by_name["Bridge"].methods
)
_TYPE = re.compile(r"[!-.0-~]{1,100}")
_DELAYS = (Effect.DELAY_BEFORE, Effect.DELAY_AFTER)


def to_plan(messages: Sequence[pb.Fault]) -> list[Fault]:
    """The ordered plan. Raises BadRequest that names every field that cannot be."""
    if len(messages) > FAULTS_MAX:
        raise DictProblem("BadRequest", f"faults: at most {FAULTS_MAX}")
    violations = [
        violation
        for number, message in enumerate(messages)
        for violation in _fault_violations(message, f"faults[{number}]")
    ]
    refuse(violations)
    return [_to_fault(message) for message in messages]


def to_problem(message: pb.InjectedProblem) -> InjectedProblem:
    """The ordered refusal. Raises BadRequest."""
    refuse(list(_problem_violations(message, "problem")))
    return _to_problem(message)


def fault_state_message(count: FaultCount) -> pb.FaultState:
    """A fault as it was ordered, and its counters."""
    fault = count.fault
    message = pb.Fault(
        operation=fault.operation,
        claim_id=fault.claim_id,
        participant=fault.participant,
        skip=fault.skip,
        times=fault.times,
        probability=fault.probability,
        seed=fault.seed,
        cid=fault.cid,
    )
    if fault.problem is not None:
        message.problem.CopyFrom(problem_order_message(fault.problem))
    elif fault.effect in _DELAYS:
        setattr(message, fault.effect.value, fault.delay_ms)
    else:
        setattr(message, fault.effect.value, True)
    return pb.FaultState(fault=message, seen=count.seen, fired=count.fired)


def problem_order_message(problem: InjectedProblem) -> pb.InjectedProblem:
    """A refusal as it was ordered."""
    return pb.InjectedProblem(
        type=problem.type,
        http_status=problem.http_status,
        retry_after_seconds=problem.retry_after_seconds,
        detail=problem.detail,
    )


def refuse(violations: list[Violation]) -> None:
    """Raises BadRequest if there are any; the detail says each in words."""
    if violations:
        words = "; ".join(f"{violation.property} {violation.reason}" for violation in violations)
        raise DictProblem("BadRequest", words[:DETAIL_CHARACTERS_MAX], tuple(violations[:10]))


def _to_fault(message: pb.Fault) -> Fault:
    effect = Effect(message.WhichOneof("effect"))
    return Fault(
        operation=message.operation,
        claim_id=message.claim_id,
        participant=message.participant,
        skip=message.skip,
        times=message.times,
        effect=effect,
        delay_ms=getattr(message, effect.value) if effect in _DELAYS else 0,
        problem=_to_problem(message.problem) if effect is Effect.PROBLEM else None,
        probability=message.probability if message.HasField("probability") else None,
        seed=message.seed if message.HasField("seed") else None,
        cid=message.cid,
    )


def _to_problem(message: pb.InjectedProblem) -> InjectedProblem:
    after = message.retry_after_seconds if message.HasField("retry_after_seconds") else None
    return InjectedProblem(
        type=message.type,
        http_status=message.http_status if message.HasField("http_status") else None,
        retry_after_seconds=after,
        detail=message.detail,
    )


def _fault_violations(message: pb.Fault, name: str) -> Iterator[Violation]:
    if message.operation and message.operation not in CALLS:
        yield Violation("is no call of the Bridge", message.operation, f"{name}.operation")
    if message.HasField("probability") and not 1 <= message.probability <= 100:
        yield Violation("is 1 to 100", str(message.probability), f"{name}.probability")
    which = message.WhichOneof("effect")
    if which is None:
        yield Violation("is missing", "", f"{name}.effect")
    elif which == Effect.PROBLEM.value:
        yield from _problem_violations(message.problem, f"{name}.problem")
    elif Effect(which) in _DELAYS:
        if not 1 <= getattr(message, which) <= DELAY_MS_MAX:
            yield Violation(
                f"is 1 to {DELAY_MS_MAX}", str(getattr(message, which)), f"{name}.{which}"
            )
    elif not getattr(message, which):
        yield Violation("is true, or left out", "false", f"{name}.{which}")


def _problem_violations(message: pb.InjectedProblem, name: str) -> Iterator[Violation]:
    if not _TYPE.fullmatch(message.type):
        reason = "has 1 to 100 visible ASCII characters and no slash"
        yield Violation(reason, message.type[:100], f"{name}.type")
    if message.HasField("http_status") and not 400 <= message.http_status <= 599:
        yield Violation("is 400 to 599", str(message.http_status), f"{name}.http_status")
    if len(message.detail) > DETAIL_CHARACTERS_MAX:
        reason = f"has at most {DETAIL_CHARACTERS_MAX} characters"
        yield Violation(reason, message.detail[:100], f"{name}.detail")
