"""What happens to entries behind everybody's back, over gRPC and across a kill -9."""

from pathlib import Path

import grpc
import pytest

from bridge_simulator.cid import EMPTY_VERIFIER, sync_verifier, toggled
from bridge_simulator.generated_set import GeneratedSet, entry_of
from bridge_simulator.messages import account_message, entry_message, owner_message
from bridge_simulator.records import Owner
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeStub
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as control
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlStub
from tests.unit.bridge_simulator.dict_line import Line, order, problem_of
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, JOAO, PHONE, account
from tests.unit.bridge_simulator.simulator_process import CALL_SECONDS, simulator

COUNT = 250
GENERATE = control.GenerateSetRequest(
    participant=DONOR_ISPB, key_type="PHONE", seed=2**64 - 1, count=COUNT
)
SET = GeneratedSet(DONOR_ISPB, "PHONE", 2**64 - 1, COUNT)


async def _verdict(line: Line, verifier: str) -> str:
    request = pb.CreateSyncVerificationRequest(
        participant=DONOR_ISPB, key_type="PHONE", participant_sync_verifier=verifier
    )
    return (await line.bridge.CreateSyncVerification(request)).result


async def _changed(
    line: Line, seed: int, change: int = 0, remove: int = 0, add: int = 0
) -> list[control.EntryChange]:
    request = control.ChangeSetRequest(
        participant=DONOR_ISPB,
        key_type="PHONE",
        seed=seed,
        change=change,
        remove=remove,
        add=add,
    )
    parts = [part async for part in line.control.ChangeSet(request)]
    assert all(1 <= len(part.changes) <= 100 for part in parts)
    return [change for part in parts for change in part.changes]


async def test_a_set_is_generated_once_and_seen_over_the_bridge(line: Line) -> None:
    verifier = (await line.control.GenerateSet(GENERATE)).sync_verifier
    assert verifier == sync_verifier(cid.hex() for cid in SET.cids(0, COUNT))
    assert (await line.control.GenerateSet(GENERATE)).sync_verifier == verifier
    assert await _verdict(line, verifier) == "OK"
    entry = SET.entry(COUNT - 1)
    asked = pb.GetEntryRequest(key=entry.key, requesting_participant=DONOR_ISPB)
    assert (await line.bridge.GetEntry(asked)).entry == entry_message(entry)
    by_cid = pb.GetEntryByCidRequest(cid=entry.cid, requesting_participant=DONOR_ISPB)
    found = await line.bridge.GetEntryByCid(by_cid)
    assert (found.entry, found.request_id) == (entry_message(entry), entry.request_id)
    rows = [(row.operation, row.effective) for row in await line.operations()]
    assert rows[:2] == [("GenerateSet", True), ("GenerateSet", False)]


async def test_reset_forgets_sets(line: Line) -> None:
    await line.control.GenerateSet(GENERATE)
    await _changed(line, seed=1, remove=1)
    await line.control.Reset(control.ResetRequest())
    assert await _verdict(line, EMPTY_VERIFIER) == "OK"
    other = control.GenerateSetRequest(
        participant=DONOR_ISPB, key_type="PHONE", seed=GENERATE.seed, count=COUNT + 1
    )
    whole = (await line.control.GenerateSet(other)).sync_verifier
    assert await _verdict(line, whole) == "OK"


@pytest.mark.parametrize(
    ("request_", "problem", "said"),
    [
        (control.GenerateSetRequest(), "ParticipantInvalid", "8 letters and digits"),
        (
            control.GenerateSetRequest(participant=DONOR_ISPB, key_type="PIX", count=1),
            "BadRequest",
            "KeyType",
        ),
        (
            control.GenerateSetRequest(participant=DONOR_ISPB, key_type="CPF"),
            "BadRequest",
            "count: 1 to 5000000",
        ),
        (
            control.GenerateSetRequest(participant=DONOR_ISPB, key_type="CPF", count=2**32 - 1),
            "BadRequest",
            "count: 1 to 5000000",
        ),
    ],
)
async def test_a_wrong_set_is_refused_before_it_is_made(
    line: Line, request_: control.GenerateSetRequest, problem: str, said: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=problem) as caught:
        await line.control.GenerateSet(request_)
    assert said in problem_of(caught.value).detail


async def test_an_entry_changes_as_its_participant_would_change_it(line: Line) -> None:
    seeded = await line.seed()
    married = owner_message(Owner(JOAO.type, JOAO.tax_id_number, "João Souza", None))
    request = control.ChangeEntryRequest(key=PHONE, owner=married)
    change = (await line.control.ChangeEntry(request)).change
    assert (change.change, change.request_id) == ("CHANGED", seeded.request_id)
    assert change.cid_before == seeded.cid
    assert change.entry.owner.name == "João Souza"
    assert change.entry.account == seeded.entry.account
    assert await _verdict(line, change.cid_after) == "OK"
    moved = account_message(account(DONOR_ISPB, "42"))
    request = control.ChangeEntryRequest(key=PHONE, account=moved, reason="BRANCH_TRANSFER")
    change = (await line.control.ChangeEntry(request)).change
    assert (change.entry.owner.name, change.entry.account) == ("João Souza", moved)
    same = (await line.control.ChangeEntry(control.ChangeEntryRequest(key=PHONE))).change
    assert same.cid_before == same.cid_after
    rows = [(row.operation, row.effective) for row in await line.operations()]
    assert [row for row in rows if row[0] == "UpdateEntry"] == [
        ("UpdateEntry", True),
        ("UpdateEntry", True),
        ("UpdateEntry", False),
    ]


async def test_an_entry_goes_as_its_participant_would_remove_it(line: Line) -> None:
    seeded = await line.seed()
    change = (await line.control.RemoveEntry(control.RemoveEntryRequest(key=PHONE))).change
    assert (change.change, change.cid_before, change.cid_after) == ("REMOVED", seeded.cid, "")
    assert change.entry == seeded.entry
    assert await _verdict(line, EMPTY_VERIFIER) == "OK"
    assert [row.operation for row in await line.operations()][:2] == ["CreateEntry", "DeleteEntry"]


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (control.ChangeEntryRequest(key="+5511"), "NotFound"),
        (control.ChangeEntryRequest(key=PHONE, reason="FRAUD"), "InvalidReason"),
        (control.ChangeEntryRequest(key=PHONE, account=pb.Account()), "Forbidden"),
        (
            control.ChangeEntryRequest(key=PHONE, account=account_message(account(CLAIMER_ISPB))),
            "Forbidden",
        ),
        (control.ChangeEntryRequest(key=PHONE, owner=pb.Owner()), "EntryInvalid"),
        (
            control.ChangeEntryRequest(
                key=PHONE, owner=owner_message(Owner(JOAO.type, "99988877766", "Maria", None))
            ),
            "EntryTaxIdNumberByDifferentOwner",
        ),
        (control.RemoveEntryRequest(key="+5511"), "NotFound"),
        (control.RemoveEntryRequest(key=PHONE, reason="BECAUSE"), "InvalidReason"),
    ],
)
async def test_what_the_rules_refuse_is_refused_here_too(
    line: Line, request_: control.ChangeEntryRequest | control.RemoveEntryRequest, problem: str
) -> None:
    cid = (await line.seed()).cid

    async def attempt() -> None:
        if isinstance(request_, control.ChangeEntryRequest):
            await line.control.ChangeEntry(request_)
        else:
            await line.control.RemoveEntry(request_)

    with pytest.raises(grpc.aio.AioRpcError, match=problem):
        await attempt()
    assert await _verdict(line, cid) == "OK"


async def test_a_locked_entry_is_not_removed(line: Line) -> None:
    await line.seed()
    await line.bridge.CreateClaim(order())
    with pytest.raises(grpc.aio.AioRpcError, match="EntryLockedByClaim"):
        await line.control.RemoveEntry(control.RemoveEntryRequest(key=PHONE))


async def test_a_set_changes_and_the_answer_names_all_that_did(line: Line) -> None:
    verifier = (await line.control.GenerateSet(GENERATE)).sync_verifier
    changes = await _changed(line, seed=3, change=120, remove=60, add=70)
    kinds = [change.change for change in changes]
    assert kinds == ["CHANGED"] * 120 + ["REMOVED"] * 60 + ["ADDED"] * 70
    for change in changes:
        assert bool(change.cid_before) == (change.change != "ADDED")
        assert bool(change.cid_after) == (change.change != "REMOVED")
        for cid in filter(None, (change.cid_before, change.cid_after)):
            verifier = toggled(verifier, cid)
    assert await _verdict(line, verifier) == "OK"
    added = changes[-1]
    request = pb.GetEntryByCidRequest(cid=added.cid_after, requesting_participant=DONOR_ISPB)
    assert (await line.bridge.GetEntryByCid(request)).request_id == added.request_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _changed(line, seed=3, remove=261)
    assert problem_of(caught.value).detail == "the set has 260 entries without a claim"


def test_kill_9_keeps_a_set_and_all_that_became_of_it(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    with simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = SimulatorControlStub(channel)
            verifier = stub.GenerateSet(GENERATE, timeout=CALL_SECONDS).sync_verifier
            request = control.RemoveEntryRequest(key=SET.entry(0).key)
            gone = stub.RemoveEntry(request, timeout=CALL_SECONDS).change
        process.kill()
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        bridge = BridgeStub(channel)
        verification = pb.CreateSyncVerificationRequest(
            participant=DONOR_ISPB,
            key_type="PHONE",
            participant_sync_verifier=toggled(verifier, gone.cid_before),
        )
        verdict = bridge.CreateSyncVerification(verification, timeout=CALL_SECONDS)
        assert verdict.result == "OK"
        entry = entry_of(SET.seed, DONOR_ISPB, "PHONE", 1)
        asked = pb.GetEntryByCidRequest(cid=entry.cid, requesting_participant=DONOR_ISPB)
        assert bridge.GetEntryByCid(asked, timeout=CALL_SECONDS).entry.key == entry.key
        asked = pb.GetEntryByCidRequest(cid=gone.cid_before, requesting_participant=DONOR_ISPB)
        with pytest.raises(grpc.RpcError, match="NotFound"):
            bridge.GetEntryByCid(asked, timeout=CALL_SECONDS)
    words = log.read_text(encoding="utf-8")
    assert gone.entry.key not in words
