"""Protobuf messages ↔ the script's acts. What is wrong is said act by act."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from bridge_simulator.claim_actions import OPERATIONS, actions_in_words
from bridge_simulator.fault_messages import refuse
from bridge_simulator.ledger import Operation
from bridge_simulator.messages import operation_message, timestamp
from bridge_simulator.problems import DictProblem, Violation
from bridge_simulator.script_rows import Act, Appointment
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb

ACTS_MAX = 1000


def to_acts(messages: Sequence[pb.Act], new_uuid: Callable[[], UUID]) -> list[Act]:
    """The ordered acts, each with an x-request-id of its own. Raises BadRequest."""
    if len(messages) > ACTS_MAX:
        raise DictProblem("BadRequest", f"acts: at most {ACTS_MAX}")
    refuse(
        [
            violation
            for number, message in enumerate(messages)
            for violation in _violations(message, f"acts[{number}]")
        ]
    )
    return [
        Act(
            x_request_id=f"act:{new_uuid()}",
            key=message.key,
            claim_id=message.claim_id,
            participant=message.participant,
            action=message.action,
            reason=message.reason,
            request_id=message.request_id
            or (str(new_uuid()) if message.action == "COMPLETE" else ""),
            after_ms=message.after_ms,
            only_if_status=message.only_if_status,
        )
        for message in messages
    ]


def act_state_message(found: Appointment, done: Operation | None) -> pb.ActState:
    """An act as it was ordered, and what became of it."""
    act = found.act
    return pb.ActState(
        act=pb.Act(
            key=act.key,
            claim_id=act.claim_id,
            participant=act.participant,
            action=act.action,
            reason=act.reason,
            request_id=act.request_id,
            after_ms=act.after_ms,
            only_if_status=act.only_if_status,
        ),
        claim_id=found.claim_id,
        due=timestamp(found.due),
        operation=operation_message(done) if done else None,
    )


def _violations(message: pb.Act, name: str) -> Iterator[Violation]:
    if bool(message.key) == bool(message.claim_id):
        yield Violation("names a key or a claim_id, one of the two", "", name)
    if message.action not in OPERATIONS:
        yield Violation(f"is {actions_in_words()}", message.action, f"{name}.action")
