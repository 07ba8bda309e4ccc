"""Ordered faults over gRPC: what the client sees, and what DICT has done meanwhile."""

import asyncio
import time
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bridge_simulator.faults import BridgeCall, call_of
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from dict_schemas.generated.dict.simulator.v1.control_pb2 import Fault, InjectedProblem
from tests.support.waiting import until
from tests.unit.bridge_simulator.dict_line import Line, has_problem, order, problem_of
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, PHONE

SHORT_SECONDS = 1.0
LONG_MS = 600_000

BEFORE: list[dict[str, Any]] = [{"silence_before": True}, {"cut_before": True}]
AFTER: list[dict[str, Any]] = [{"silence_after": True}, {"cut_after": True}]


def _problem(type_name: str, **values: Any) -> Fault:
    return Fault(problem=InjectedProblem(type=type_name, **values))


def _set(message: Message, path: tuple[str, ...], value: str) -> None:
    *outer, last = path
    if path[0] in message.DESCRIPTOR.fields_by_name:
        for name in outer:
            message = getattr(message, name)
        setattr(message, last, value)


def _slow(effect: str, milliseconds: int) -> Fault:
    values: dict[str, Any] = {effect: milliseconds}
    return Fault(times=1, **values)


async def _failure(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def _wait_fired(line: Line, counts: list[int]) -> None:
    async def look() -> bool:
        return await line.fired() == counts

    await until(look, f"faults fired {counts}")


# ---- Problems ----------------------------------------------------------------------------------


async def test_429_with_retry_after(line: Line) -> None:
    await line.seed()
    await line.plan(_problem("RateLimited", retry_after_seconds=7))
    error = await _failure(line.bridge.CreateClaim(order()))
    problem = problem_of(error)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (problem.status, problem.retry_after_seconds) == (429, 7)
    assert problem.type.endswith("/error/RateLimited")
    assert [done.operation for done in await line.operations()] == ["CreateEntry"]


async def test_a_type_that_nobody_knows_and_a_status_that_does_not_fit(line: Line) -> None:
    await line.plan(
        Fault(
            operation="CreateClaim", times=1, problem=InjectedProblem(type="MoonPhase", detail="x")
        ),
        Fault(operation="CreateClaim", problem=InjectedProblem(type="Forbidden", http_status=503)),
    )
    error = await _failure(line.bridge.CreateClaim(order()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (problem_of(error).status, problem_of(error).detail) == (400, "x")
    assert problem_of(error).type.endswith("/MoonPhase")
    error = await _failure(line.bridge.CreateClaim(order()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert (problem_of(error).status, error.details()) == (503, "Forbidden")


# ---- Slow, silent, cut -------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["delay_before_ms", "delay_after_ms"])
async def test_a_slow_answer_still_comes(line: Line, effect: str) -> None:
    await line.seed()
    await line.plan(_slow(effect, 60))
    started = time.monotonic()
    created = await line.bridge.CreateClaim(order())
    assert time.monotonic() - started >= 0.06
    assert created.claim.status == "OPEN"


@pytest.mark.parametrize(
    ("effect", "effective"),
    [("delay_before_ms", []), ("delay_after_ms", ["CreateClaim"])],
)
async def test_slow_before_or_after_the_effect(
    line: Line, effect: str, effective: list[str]
) -> None:
    await line.seed()
    await line.plan(_slow(effect, LONG_MS))
    call = line.bridge.CreateClaim(order())
    await _wait_fired(line, [1])
    assert [done.operation for done in (await line.operations())[1:]] == effective
    assert not call.done()
    call.cancel()


@pytest.mark.parametrize("effect", [*BEFORE, *AFTER], ids=lambda effect: next(iter(effect)))
async def test_an_unknown_outcome(line: Line, effect: dict[str, Any]) -> None:
    await line.seed()
    await line.plan(Fault(operation="CreateClaim", times=1, **effect))
    error = await _failure(line.bridge.CreateClaim(order(), timeout=SHORT_SECONDS))
    silent = "silence" in next(iter(effect))
    code = grpc.StatusCode.DEADLINE_EXCEEDED if silent else grpc.StatusCode.UNAVAILABLE
    assert error.code() is code
    assert not has_problem(error)
    if effect in AFTER:
        again = await _failure(line.bridge.CreateClaim(order()))
        assert problem_of(again).type.endswith("ClaimAlreadyExistsForKey")
    else:
        assert (await line.bridge.CreateClaim(order())).claim.status == "OPEN"


async def test_a_refusal_is_lost_like_any_answer(line: Line) -> None:
    await line.plan(Fault(times=1, cut_after=True))
    assert not has_problem(await _failure(line.bridge.CreateClaim(order())))
    (row,) = await line.operations()
    assert (row.operation, row.problem_type) == ("CreateClaim", "ClaimKeyNotFound")


async def test_a_client_that_gives_up_is_let_go(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridge_simulator")
    await line.plan(Fault(silence_before=True))
    await _failure(line.bridge.CreateClaim(order(), timeout=SHORT_SECONDS))

    async def let_go() -> bool:
        return "answered nothing: the client gave up" in caplog.text

    await until(let_go, "the server lets go")


async def test_a_stop_does_not_wait_for_a_silent_call(line: Line) -> None:
    await line.plan(Fault(silence_before=True))
    call = line.bridge.CreateClaim(order())
    await _wait_fired(line, [1])
    started = time.monotonic()
    await line.running.stop()
    assert (await _failure(call)).code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - started < 4, "less than the grace that calls have"


async def test_a_stream_can_be_cut(line: Line) -> None:
    await line.plan(Fault(operation="DownloadCidFile", cut_before=True))
    stream = line.bridge.DownloadCidFile(
        pb.DownloadCidFileRequest(id="x", requesting_participant=DONOR_ISPB)
    )
    assert (await _failure(stream.read())).code() is grpc.StatusCode.UNAVAILABLE


# ---- Which calls -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    list(pb.DESCRIPTOR.services_by_name["Bridge"].methods),
    ids=lambda method: str(method.name),
)
def test_every_call_tells_its_name_and_participant(method: MethodDescriptor) -> None:
    request = message_factory.GetMessageClass(method.input_type)()
    for path in (("participant",), ("requesting_participant",), ("claimer_account", "participant")):
        _set(request, path, DONOR_ISPB)
    _set(request, ("account", "participant"), DONOR_ISPB)
    _set(request, ("claim_id",), "a claim")
    _set(request, ("cid",), "a cid")
    claim_id = "a claim" if "claim_id" in method.input_type.fields_by_name else ""
    cid = "a cid" if "cid" in method.input_type.fields_by_name else ""
    assert call_of(request) == BridgeCall(method.name, claim_id, DONOR_ISPB, cid)


async def test_only_the_calls_that_were_meant(line: Line) -> None:
    claim = await line.open()
    await line.plan(
        Fault(operation="ListClaims", cut_before=True),
        Fault(claim_id="another", cut_before=True),
        Fault(participant=DONOR_ISPB, claim_id=claim.id, cut_before=True),
        Fault(operation="CreateEntry", participant=CLAIMER_ISPB, cut_before=True),
        Fault(operation="CreateClaim", participant=CLAIMER_ISPB, cut_before=True),
    )
    assert (await line.get(claim.id)).status == "OPEN"
    request = pb.AcknowledgeClaimRequest(claim_id=claim.id, participant=DONOR_ISPB)
    await _failure(line.bridge.AcknowledgeClaim(request))
    await _failure(line.bridge.CreateClaim(order()))
    await _failure(line.bridge.ListClaims(pb.ListClaimsRequest(participant=DONOR_ISPB)))
    assert await line.fired() == [1, 0, 1, 0, 1]


async def test_the_cid_that_was_meant_and_no_other(line: Line) -> None:
    held = await line.seed()
    other = "ab" * 32
    await line.plan(
        Fault(cid=other, problem=InjectedProblem(type="Gone")),
        Fault(operation="GetEntryByCid", cid=held.cid, problem=InjectedProblem(type="Forbidden")),
    )
    for cid, type_ in ((held.cid, "Forbidden"), (other, "Gone"), ("cd" * 32, "NotFound")):
        request = pb.GetEntryByCidRequest(cid=cid, requesting_participant=DONOR_ISPB)
        error = await _failure(line.bridge.GetEntryByCid(request))
        assert problem_of(error).type.endswith(f"/error/{type_}")
    states = (await line.control.ListFaults(control_pb2.ListFaultsRequest())).faults
    assert [(it.fault.cid, it.seen) for it in states] == [(other, 1), (held.cid, 1)]


async def test_skip_then_times_then_the_next_fault(line: Line) -> None:
    claim = await line.open()
    await line.plan(
        Fault(skip=2, times=1, problem=InjectedProblem(type="ResourceConflict")),
        Fault(skip=1, times=2, problem=InjectedProblem(type="InternalServerError")),
    )
    seen = []
    for _ in range(6):
        try:
            seen.append((await line.get(claim.id)).status)
        except grpc.aio.AioRpcError as error:
            seen.append(str(error.details()))
    failed = "InternalServerError"
    assert seen == ["OPEN", failed, "ResourceConflict", failed, "OPEN", "OPEN"]
    states = (await line.control.ListFaults(control_pb2.ListFaultsRequest())).faults
    assert [(state.seen, state.fired) for state in states] == [(3, 1), (3, 2)]


async def _hits(line: Line, claim_id: str, fault: Fault) -> list[int]:
    await line.plan(fault)
    hit = []
    for number in range(40):
        try:
            await line.get(claim_id)
        except grpc.aio.AioRpcError:
            hit.append(number)
    return hit


async def test_a_share_of_the_calls_is_the_same_each_time(line: Line) -> None:
    claim = await line.open()
    share = Fault(operation="GetClaim", cut_before=True, probability=30, seed=7)
    hit = await _hits(line, claim.id, share)
    assert 4 <= len(hit) <= 20
    assert await _hits(line, claim.id, share) == hit
    other = Fault(operation="GetClaim", cut_before=True, probability=30, seed=8)
    assert await _hits(line, claim.id, other) != hit
    always = Fault(operation="GetClaim", cut_before=True, probability=100)
    assert len(await _hits(line, claim.id, always)) == 40


# ---- The plan ----------------------------------------------------------------------------------


async def test_a_plan_is_answered_as_it_was_set(line: Line) -> None:
    faults = [
        Fault(operation="GetClaim", claim_id="x", participant="y", skip=1, times=2, cut_after=True),
        Fault(delay_before_ms=5, probability=50, seed=2**64 - 1),
        Fault(problem=InjectedProblem(type="Gone", http_status=418, retry_after_seconds=0)),
        *(Fault(**effect) for effect in [*BEFORE, *AFTER]),
    ]
    await line.plan(*faults)
    states = (await line.control.ListFaults(control_pb2.ListFaultsRequest())).faults
    assert [state.fault for state in states] == faults
    await line.plan()
    assert await line.fired() == []


WRONG = {
    "effect is missing": Fault(),
    "operation is no call of the Bridge": Fault(operation="Explode", cut_before=True),
    "probability is 1 to 100": Fault(cut_before=True, probability=101),
    "delay_after_ms is 1 to 600000": Fault(delay_after_ms=LONG_MS + 1),
    "delay_before_ms is 1 to 600000": Fault(delay_before_ms=0),
    "silence_before is true": Fault(silence_before=False),
    "problem.type has 1 to 100": _problem(""),
    "no slash": _problem("a/b"),
    "http_status is 400 to 599": _problem("Gone", http_status=200),
    "detail has at most": _problem("Gone", detail="x" * 1001),
}


@pytest.mark.parametrize("words", WRONG)
async def test_a_wrong_fault_says_what_is_wrong_and_changes_nothing(line: Line, words: str) -> None:
    await line.plan(Fault(operation="GetClaim", cut_before=True))
    error = await _failure(line.plan(Fault(cut_before=True), WRONG[words]))
    assert problem_of(error).type.endswith("/BadRequest")
    assert words in problem_of(error).detail
    assert "faults[1]" in problem_of(error).detail
    assert await line.fired() == [0]


async def test_too_many_faults_are_refused(line: Line) -> None:
    error = await _failure(line.plan(*[Fault(cut_before=True)] * 1001))
    assert "at most 1000" in problem_of(error).detail


async def test_control_health_and_other_clients_go_on(line: Line) -> None:
    await line.plan(Fault(cut_before=True))
    claim_free = await line.seed()
    assert claim_free.entry.key == PHONE
    health = health_pb2_grpc.HealthStub(line.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="dict.bridge.v1.Bridge"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert await line.fired() == [0]


async def test_a_delayed_call_holds_up_no_other(line: Line) -> None:
    claim = await line.open()
    await line.plan(Fault(times=1, delay_before_ms=LONG_MS))
    slow = asyncio.ensure_future(line.get(claim.id))
    await _wait_fired(line, [1])
    assert (await line.get(claim.id)).status == "OPEN"
    slow.cancel()


# ---- Outage ------------------------------------------------------------------------------------


async def test_an_outage_takes_every_call_and_no_shot_of_a_fault(line: Line) -> None:
    claim = await line.open()
    await line.plan(Fault(problem=InjectedProblem(type="ResourceConflict")))
    await line.control.SetOutage(control_pb2.SetOutageRequest(on=True))
    error = await _failure(line.get(claim.id))
    assert (error.code(), has_problem(error)) == (grpc.StatusCode.UNAVAILABLE, False)
    away = InjectedProblem(type="ServiceUnavailable", retry_after_seconds=3)
    await line.control.SetOutage(control_pb2.SetOutageRequest(on=True, problem=away))
    problem = problem_of(await _failure(line.bridge.ListPolicies(pb.ListPoliciesRequest())))
    assert (problem.status, problem.retry_after_seconds) == (503, 3)
    listed = await line.control.ListFaults(control_pb2.ListFaultsRequest())
    assert (listed.outage, listed.outage_problem, listed.faults[0].seen) == (True, away, 0)
    await line.control.SetOutage(control_pb2.SetOutageRequest())
    await line.plan()
    assert (await line.get(claim.id)).status == "OPEN"


async def test_reset_ends_faults_and_outage(line: Line) -> None:
    await line.plan(Fault(cut_before=True))
    await line.control.SetOutage(control_pb2.SetOutageRequest(on=True))
    await line.control.Reset(control_pb2.ResetRequest())
    listed = await line.control.ListFaults(control_pb2.ListFaultsRequest())
    assert listed == control_pb2.ListFaultsResponse()
    assert (await line.open()).status == "OPEN"
