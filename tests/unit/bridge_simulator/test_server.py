"""The Bridge over gRPC on loopback, in this process."""

from collections.abc import Awaitable, Callable

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bridge_simulator.cid import EMPTY_VERIFIER
from bridge_simulator.messages import account_message, owner_message
from bridge_simulator.server import AddressInUse, start_server
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.unit.bridge_simulator.dict_line import Line, order, problem_of
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    PHONE,
    START,
    DictWorld,
    account,
)

REQUEST_ID = "a946d533-7f22-42a5-9a9b-e87cd55c0f4d"
CID_B = "11bc81ee9e1e04290bb98285eb59d6a0452fe853136ac6e69e0670b905704da7"


async def test_a_claims_whole_life(line: Line) -> None:
    seeded = await line.seed()
    opened = await line.bridge.CreateClaim(order(), metadata=(("x-request-id", "w:create:1"),))
    claim = opened.claim
    assert (claim.status, claim.donor_participant) == ("OPEN", DONOR_ISPB)
    assert len(opened.correlation_id) == 32
    assert opened.response_time == _stamp()
    assert (await line.act(claim.id, "ACKNOWLEDGE")).status == "WAITING_RESOLUTION"
    assert (await line.act(claim.id, "CONFIRM", "USER_REQUESTED")).status == "CONFIRMED"
    done = await line.bridge.CompleteClaim(
        pb.CompleteClaimRequest(claim_id=claim.id, participant=CLAIMER_ISPB, request_id=REQUEST_ID)
    )
    assert done.claim.status == "COMPLETED"
    assert done.claim.HasField("entry_creation_date")
    assert not done.claim.HasField("completion_period_end")
    got = await line.bridge.GetClaim(
        pb.GetClaimRequest(claim_id=claim.id, requesting_participant=CLAIMER_ISPB)
    )
    assert got.claim == done.claim
    by_cid = await line.bridge.GetEntryByCid(
        pb.GetEntryByCidRequest(cid=CID_B, requesting_participant=CLAIMER_ISPB)
    )
    assert (by_cid.entry.key, by_cid.request_id) == (PHONE, REQUEST_ID)
    assert seeded.cid != CID_B


async def test_the_ledger_over_the_back_door(line: Line) -> None:
    await line.seed()
    opened = await line.bridge.CreateClaim(order(), metadata=(("x-request-id", "w:create:1"),))
    await line.act(opened.claim.id, "ACKNOWLEDGE")
    await line.act(opened.claim.id, "ACKNOWLEDGE")
    request = control_pb2.ListOperationsRequest(claim_id=opened.claim.id)
    rows = (await line.control.ListOperations(request)).operations
    assert [(r.sequence, r.operation, r.x_request_id, r.effective) for r in rows] == [
        (2, "CreateClaim", "w:create:1", True),
        (3, "AcknowledgeClaim", "", True),
        (4, "AcknowledgeClaim", "", False),
    ]
    assert [(r.status_before, r.status_after) for r in rows] == [
        ("", "OPEN"),
        ("OPEN", "WAITING_RESOLUTION"),
        ("WAITING_RESOLUTION", "WAITING_RESOLUTION"),
    ]
    page = await line.control.ListOperations(
        control_pb2.ListOperationsRequest(after_sequence=1, effective_only=True, limit=1)
    )
    assert ([row.sequence for row in page.operations], page.has_more_elements) == ([2], True)


async def test_a_refusal_carries_the_wholeproblem_of(line: Line) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.bridge.CreateClaim(order(key="61988880000"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "ClaimInvalid"
    problem = problem_of(caught.value)
    assert problem.type == "https://dict.pi.rsfn.net.br/api/v2/error/ClaimInvalid"
    assert (problem.status, problem.HasField("retry_after_seconds")) == (400, False)
    assert len(problem.correlation_id) == 32
    assert [(v.property, v.value) for v in problem.violations] == [("Key", "61988880000")]


async def test_an_empty_bucket_is_429(line: Line) -> None:
    request = pb.ListPoliciesRequest(requesting_participant=CLAIMER_ISPB)
    for left in range(19, -1, -1):
        policies = (await line.bridge.ListPolicies(request)).policies
        tokens = {policy.name: policy.available_tokens for policy in policies}
        assert tokens["POLICIES_LIST"] == left
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.bridge.ListPolicies(request)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    problem = problem_of(caught.value)
    assert (problem.status, problem.retry_after_seconds) == (429, 10)


@pytest.mark.parametrize(
    ("policy", "capacity"),
    [
        ("SYNC_VERIFICATIONS_WRITE", 50),
        ("CIDS_FILES_WRITE", 200),
        ("CIDS_FILES_READ", 50),
        ("CIDS_EVENTS_LIST", 100),
    ],
)
async def test_each_call_of_the_reconciliation_has_its_bucket(
    line: Line, policy: str, capacity: int
) -> None:
    whose = {"participant": DONOR_ISPB, "key_type": "PHONE"}
    verification = pb.CreateSyncVerificationRequest(
        **whose, participant_sync_verifier=EMPTY_VERIFIER
    )
    asked = await line.bridge.RequestCidFile(pb.RequestCidFileRequest(**whose))
    file = pb.GetCidFileRequest(id=asked.cid_file.id, requesting_participant=DONOR_ISPB)
    events = pb.ListCidEventsRequest(participant=DONOR_ISPB, key_type="PHONE")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "SYNC_VERIFICATIONS_WRITE": lambda: line.bridge.CreateSyncVerification(verification),
        "CIDS_FILES_WRITE": lambda: line.bridge.RequestCidFile(pb.RequestCidFileRequest(**whose)),
        "CIDS_FILES_READ": lambda: line.bridge.GetCidFile(file),
        "CIDS_EVENTS_LIST": lambda: line.bridge.ListCidEvents(events),
    }
    for _ in range(capacity - (policy == "CIDS_FILES_WRITE")):
        await calls[policy]()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await calls[policy]()
    assert problem_of(caught.value).detail == f"policy {policy} is used up"
    for other in calls.keys() - {policy}:
        await calls[other]()


async def test_entries_over_the_bridge(line: Line) -> None:
    created = await line.bridge.CreateEntry(
        pb.CreateEntryRequest(
            key=PHONE,
            key_type="PHONE",
            account=account_message(account(DONOR_ISPB, branch=None)),
            owner=owner_message(JOAO),
            reason="USER_REQUESTED",
            request_id=REQUEST_ID,
        )
    )
    assert not created.entry.account.HasField("branch")
    asked = pb.GetEntryRequest(key=PHONE, requesting_participant=CLAIMER_ISPB)
    assert (await line.bridge.GetEntry(asked)).entry == created.entry
    updated = await line.bridge.UpdateEntry(
        pb.UpdateEntryRequest(
            key=PHONE,
            account=account_message(account(DONOR_ISPB, "42")),
            owner=owner_message(JOAO),
            reason="USER_REQUESTED",
        )
    )
    assert updated.entry.account.account_number == "42"
    await line.bridge.CreateClaim(order())
    assert (await line.bridge.GetEntry(asked)).entry.open_claim_creation_date == _stamp()
    request = pb.DeleteEntryRequest(key=PHONE, participant=DONOR_ISPB, reason="USER_REQUESTED")
    with pytest.raises(grpc.aio.AioRpcError, match="EntryLockedByClaim"):
        await line.bridge.DeleteEntry(request)
    claims = await line.bridge.ListClaims(
        pb.ListClaimsRequest(participant=DONOR_ISPB, is_donor=True, status=["OPEN"])
    )
    cancel = pb.CancelClaimRequest(
        claim_id=claims.claims[0].id, participant=DONOR_ISPB, reason="FRAUD"
    )
    assert (await line.bridge.CancelClaim(cancel)).claim.cancelled_by == "DONOR"
    assert (await line.bridge.DeleteEntry(request)).key == PHONE


async def test_acknowledge_and_confirm_over_the_bridge(line: Line) -> None:
    await line.seed()
    claim_id = (await line.bridge.CreateClaim(order())).claim.id
    acknowledge = pb.AcknowledgeClaimRequest(claim_id=claim_id, participant=DONOR_ISPB)
    assert (await line.bridge.AcknowledgeClaim(acknowledge)).claim.status == "WAITING_RESOLUTION"
    confirm = pb.ConfirmClaimRequest(
        claim_id=claim_id, participant=DONOR_ISPB, reason="ACCOUNT_CLOSURE"
    )
    assert (await line.bridge.ConfirmClaim(confirm)).claim.confirm_reason == "ACCOUNT_CLOSURE"


async def test_reconciliation_over_the_bridge(line: Line) -> None:
    cid = (await line.seed()).cid
    verification = await line.bridge.CreateSyncVerification(
        pb.CreateSyncVerificationRequest(
            participant=DONOR_ISPB, key_type="PHONE", participant_sync_verifier=EMPTY_VERIFIER
        )
    )
    assert verification.result == "NOK"
    events = await line.bridge.ListCidEvents(
        pb.ListCidEventsRequest(participant=DONOR_ISPB, key_type="PHONE", start_time=_stamp())
    )
    assert [(event.type, event.cid) for event in events.cid_events] == [("ADDED", cid)]
    assert events.sync_verifier_end == cid
    asked = await line.bridge.RequestCidFile(
        pb.RequestCidFileRequest(participant=DONOR_ISPB, key_type="PHONE")
    )
    assert asked.cid_file.status == "REQUESTED"
    line.world.wait(seconds=10)
    who = {"id": asked.cid_file.id, "requesting_participant": DONOR_ISPB}
    file = (await line.bridge.GetCidFile(pb.GetCidFileRequest(**who))).cid_file
    assert (file.status, file.bytes) == ("AVAILABLE", 65)
    chunks = [
        part.chunk async for part in line.bridge.DownloadCidFile(pb.DownloadCidFileRequest(**who))
    ]
    assert b"".join(chunks) == f"{cid}\n".encode()
    stranger = pb.DownloadCidFileRequest(id=asked.cid_file.id, requesting_participant=CLAIMER_ISPB)
    with pytest.raises(grpc.aio.AioRpcError, match="Forbidden"):
        _ = [part async for part in line.bridge.DownloadCidFile(stranger)]


async def test_reset_forgets_everything(line: Line) -> None:
    await line.seed()
    await line.bridge.CreateClaim(order())
    await line.control.Reset(control_pb2.ResetRequest())
    assert not (await line.control.ListOperations(control_pb2.ListOperationsRequest())).operations
    await line.seed()
    rows = (await line.control.ListOperations(control_pb2.ListOperationsRequest())).operations
    assert [row.sequence for row in rows] == [1]


async def test_an_unknown_action_says_what_there_is(line: Line) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.act("x", "EXPLODE")
    assert "ACKNOWLEDGE, CONFIRM, CANCEL or COMPLETE" in problem_of(caught.value).detail


async def test_an_own_failure_is_500_and_tells_nothing_personal(line: Line) -> None:
    line.world.directory.store.close()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.bridge.CreateClaim(order())
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert problem_of(caught.value).detail == "DICT has failed"


async def test_health_is_serving(line: Line) -> None:
    stub = health_pb2_grpc.HealthStub(line.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service="dict.bridge.v1.Bridge"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_taken_port_says_what_to_do(line: Line) -> None:
    with pytest.raises(AddressInUse, match="BRIDGE_SIMULATOR_ADDRESS"):
        await start_server(DictWorld().directory, "127.0.0.1", line.running.port)


def _stamp() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(START)
    return stamp
