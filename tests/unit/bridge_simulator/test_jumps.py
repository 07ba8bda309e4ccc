"""DICT shows what no rule allows; and any participant acts, by the rules."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.unit.bridge_simulator.dict_line import Line, order, problem_of
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    START,
    STRANGER_ISPB,
    request_id,
)


async def _jump(line: Line, claim: pb.Claim, **values: Any) -> pb.Claim:
    request = control_pb2.JumpClaimRequest(claim_id=claim.id, **values)
    return (await line.control.JumpClaim(request)).claim


def _stamp(**after_start: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(START + timedelta(**after_start))
    return stamp


@pytest.mark.parametrize("status", ["CONFIRMED", "COMPLETED", "CANCELLED", "EXPIRED_BY_NOBODY"])
async def test_a_status_jumps(line: Line, status: str) -> None:
    claim = await line.open()
    line.world.wait(minutes=1)
    jumped = await _jump(line, claim, status=status)
    assert (jumped.status, jumped.last_modified) == (status, _stamp(minutes=1))
    assert await line.get(claim.id) == jumped
    listed = await line.bridge.ListClaims(
        pb.ListClaimsRequest(participant=CLAIMER_ISPB, status=[status])
    )
    assert list(listed.claims) == [jumped]
    row = (await line.operations())[-1]
    assert (row.operation, row.claim_id, row.effective) == ("Jump", claim.id, True)
    assert (row.status_before, row.status_after) == ("OPEN", status)


async def test_reason_and_side_come_and_go(line: Line) -> None:
    claim = await line.open()
    jumped = await _jump(
        line, claim, status="CANCELLED", reason="PARTICIPANT_EXCLUSION", cancelled_by="DICT"
    )
    assert (jumped.cancel_reason, jumped.cancelled_by) == ("PARTICIPANT_EXCLUSION", "DICT")
    assert not jumped.HasField("confirm_reason")
    back = await _jump(line, claim, status="CONFIRMED", reason="USER_REQUESTED", cancelled_by="")
    assert (back.confirm_reason, back.cancel_reason) == ("USER_REQUESTED", "PARTICIPANT_EXCLUSION")
    assert not back.HasField("cancelled_by")


async def test_dates_move_and_the_rest_stays(line: Line) -> None:
    claim = await line.open()
    moved = await _jump(
        line,
        claim,
        last_modified=_stamp(days=-1),
        resolution_period_end=_stamp(hours=1),
        completion_period_end=_stamp(hours=2),
    )
    claim.last_modified.CopyFrom(_stamp(days=-1))
    claim.resolution_period_end.CopyFrom(_stamp(hours=1))
    claim.completion_period_end.CopyFrom(_stamp(hours=2))
    assert moved == claim
    cancel = pb.CancelClaimRequest(
        claim_id=claim.id, participant=DONOR_ISPB, reason="DEFAULT_OPERATION"
    )
    line.world.wait(hours=1)
    assert (await line.bridge.CancelClaim(cancel)).claim.status == "CANCELLED"


async def test_a_claim_that_jumped_to_confirmed_can_be_completed(line: Line) -> None:
    claim = await line.open()
    await _jump(line, claim, status="CONFIRMED")
    done = await line.act(claim.id, "COMPLETE", participant=CLAIMER_ISPB)
    assert (done.status, done.HasField("entry_creation_date")) == ("COMPLETED", True)


async def test_two_claims_are_never_open_on_one_key(line: Line) -> None:
    first = await line.open()
    await _jump(line, first, status="CANCELLED")
    second = (await line.bridge.CreateClaim(order())).claim
    with pytest.raises(grpc.aio.AioRpcError, match="ClaimAlreadyExistsForKey"):
        await _jump(line, first, status="OPEN")
    assert (await line.get(second.id)).status == "OPEN"


@pytest.mark.parametrize(
    ("values", "problem_type"),
    [
        ({"claim_id": "unknown"}, "NotFound"),
        ({"status": "X" * 101}, "BadRequest"),
        ({"last_modified": Timestamp(seconds=10**15)}, "BadRequest"),
        ({"resolution_period_end": Timestamp(seconds=-(10**15))}, "BadRequest"),
    ],
)
async def test_a_wrong_jump_is_refused(
    line: Line, values: dict[str, Any], problem_type: str
) -> None:
    claim = await line.open()
    request = control_pb2.JumpClaimRequest(**({"claim_id": claim.id} | values))
    with pytest.raises(grpc.aio.AioRpcError, match=problem_type) as caught:
        await line.control.JumpClaim(request)
    assert problem_of(caught.value).detail
    assert await line.get(claim.id) == claim


async def test_any_participant_acts_by_the_rules(line: Line) -> None:
    claim = await line.open()
    with pytest.raises(grpc.aio.AioRpcError, match="Forbidden"):
        await line.act(claim.id, "ACKNOWLEDGE", participant=STRANGER_ISPB)
    assert (await line.act(claim.id, "ACKNOWLEDGE", participant="")).status == "WAITING_RESOLUTION"
    assert (await line.act(claim.id, "CONFIRM", "USER_REQUESTED", "")).status == "CONFIRMED"
    request = control_pb2.ActOnClaimRequest(
        claim_id=claim.id, action="COMPLETE", request_id=request_id(5)
    )
    assert (await line.control.ActOnClaim(request)).claim.status == "COMPLETED"
    row = (await line.operations())[-1]
    assert (row.participant, row.request_id) == (CLAIMER_ISPB, request_id(5))


async def test_the_claimer_cancels_over_the_back_door(line: Line) -> None:
    claim = await line.open()
    cancelled = await line.act(claim.id, "CANCEL", "FRAUD", CLAIMER_ISPB)
    assert (cancelled.status, cancelled.cancelled_by) == ("CANCELLED", "CLAIMER")


async def test_acting_on_no_claim_is_not_found(line: Line) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="NotFound"):
        await line.act("unknown", "ACKNOWLEDGE", participant="")
