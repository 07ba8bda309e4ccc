"""The simulator acts on claims by itself, when the script says."""

from typing import Any

import grpc
import pytest

from dict_schemas.generated.dict.simulator.v1 import control_pb2
from dict_schemas.generated.dict.simulator.v1.control_pb2 import Act
from tests.support.waiting import until
from tests.unit.bridge_simulator.dict_line import Line, order, problem_of
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, PHONE, request_id


async def _script(line: Line, *acts: Act) -> None:
    await line.control.SetScript(control_pb2.SetScriptRequest(acts=acts))


async def _states(line: Line) -> list[control_pb2.ActState]:
    answer = await line.control.ListScript(control_pb2.ListScriptRequest())
    return list(answer.acts)


async def _wait_done(line: Line, count: int) -> None:
    async def look() -> bool:
        return sum(state.HasField("operation") for state in await _states(line)) == count

    await until(look, f"{count} acts are done")


async def _done(line: Line) -> list[str]:
    return [
        f"{row.operation} by {row.participant}: {row.problem_type or row.status_after}"
        for row in await line.operations()
        if row.x_request_id.startswith("act:")
    ]


async def test_the_donor_answers_a_claim_that_was_not_there_yet(line: Line) -> None:
    await _script(
        line,
        Act(key=PHONE, action="ACKNOWLEDGE", after_ms=1000),
        Act(key=PHONE, action="CONFIRM", reason="USER_REQUESTED", after_ms=60_000),
        Act(key=PHONE, action="COMPLETE", after_ms=60_000, request_id=request_id(9)),
        Act(key="+5561911112222", action="CANCEL", reason="FRAUD"),
    )
    line.world.wait(days=1)
    claim = await line.open()
    assert (await line.get(claim.id)).status == "OPEN"
    line.world.wait(seconds=1)
    await _wait_done(line, 1)
    assert (await line.get(claim.id)).status == "WAITING_RESOLUTION"
    line.world.wait(seconds=58)
    assert (await line.get(claim.id)).status == "WAITING_RESOLUTION"
    line.world.wait(seconds=1)
    await _wait_done(line, 3)
    assert await _done(line) == [
        f"AcknowledgeClaim by {DONOR_ISPB}: WAITING_RESOLUTION",
        f"ConfirmClaim by {DONOR_ISPB}: CONFIRMED",
        f"CompleteClaim by {CLAIMER_ISPB}: COMPLETED",
    ]
    states = await _states(line)
    assert [state.claim_id for state in states] == [claim.id, claim.id, claim.id, ""]
    assert states[2].operation.request_id == request_id(9)
    assert not states[3].HasField("due")


async def test_a_claim_that_exists_counts_from_now(line: Line) -> None:
    claim = await line.open()
    line.world.wait(hours=1)
    await _script(
        line,
        Act(key=PHONE, action="ACKNOWLEDGE", after_ms=5000),
        Act(claim_id=claim.id, action="CANCEL", reason="FRAUD", after_ms=6000),
    )
    line.world.wait(seconds=4)
    assert (await line.get(claim.id)).status == "OPEN"
    line.world.wait(seconds=2)
    await _wait_done(line, 2)
    assert (await line.get(claim.id)).cancelled_by == "DONOR"


async def test_an_act_waits_for_its_status(line: Line) -> None:
    claim = await line.open()
    await _script(
        line,
        Act(
            key=PHONE,
            action="CANCEL",
            reason="FRAUD",
            participant=CLAIMER_ISPB,
            only_if_status="CONFIRMED",
        ),
        Act(key=PHONE, action="ACKNOWLEDGE", only_if_status="OPEN"),
    )
    await _wait_done(line, 1)
    assert (await line.get(claim.id)).status == "WAITING_RESOLUTION"
    await line.act(claim.id, "CONFIRM", "USER_REQUESTED")
    await _wait_done(line, 2)
    assert (await line.get(claim.id)).cancelled_by == "CLAIMER"


async def test_a_refused_act_is_done_too_and_once(line: Line) -> None:
    claim = await line.open()
    await _script(line, Act(key=PHONE, action="CONFIRM", reason="USER_REQUESTED"))
    await _wait_done(line, 1)
    (state,) = await _states(line)
    assert (state.operation.problem_type, state.operation.effective) == (
        "ClaimOperationInvalid",
        False,
    )
    await line.act(claim.id, "ACKNOWLEDGE")
    line.world.wait(days=1)
    assert await _done(line) == [f"ConfirmClaim by {DONOR_ISPB}: ClaimOperationInvalid"]


async def test_only_the_next_claim_on_the_key_is_meant(line: Line) -> None:
    await _script(line, Act(key=PHONE, action="CANCEL", reason="FRAUD"))
    first = await line.open()
    await _wait_done(line, 1)
    assert (await line.get(first.id)).status == "CANCELLED"
    second = (await line.bridge.CreateClaim(order())).claim
    line.world.wait(days=1)
    assert [state.claim_id for state in await _states(line)] == [first.id]
    assert (await line.get(second.id)).status == "OPEN"


async def test_a_new_script_or_a_reset_ends_the_old_one(line: Line) -> None:
    claim = await line.open()
    await _script(line, Act(key=PHONE, action="ACKNOWLEDGE", after_ms=1000))
    await _script(line)
    line.world.wait(days=1)
    assert (await _states(line), await _done(line)) == ([], [])
    await _script(line, Act(claim_id=claim.id, action="ACKNOWLEDGE", after_ms=1000))
    await line.control.Reset(control_pb2.ResetRequest())
    assert await _states(line) == []


async def test_an_own_failure_does_not_end_the_script(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = await line.open()

    def broken(*_: Any) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as broken_rows:
        broken_rows.setattr("bridge_simulator.script_rows.next_due", broken)
        await _script(line, Act(key=PHONE, action="ACKNOWLEDGE"))
        assert (await line.get(claim.id)).status == "OPEN"
    await _wait_done(line, 1)


WRONG = {
    "acts[0] names a key or a claim_id": Act(action="ACKNOWLEDGE"),
    "one of the two": Act(key=PHONE, claim_id="x", action="ACKNOWLEDGE"),
    "acts[0].action is ACKNOWLEDGE, CONFIRM, CANCEL or COMPLETE": Act(key=PHONE, action="EXPLODE"),
    "there is no claim x": Act(claim_id="x", action="ACKNOWLEDGE"),
}


@pytest.mark.parametrize("words", WRONG)
async def test_a_wrong_act_says_what_is_wrong_and_changes_nothing(line: Line, words: str) -> None:
    await _script(line, Act(key=PHONE, action="ACKNOWLEDGE", after_ms=2))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _script(line, WRONG[words])
    assert words in problem_of(caught.value).detail
    assert [state.act.after_ms for state in await _states(line)] == [2]


async def test_too_many_acts_are_refused(line: Line) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _script(line, *[Act(key=PHONE, action="ACKNOWLEDGE")] * 1001)
    assert "at most 1000" in problem_of(caught.value).detail
