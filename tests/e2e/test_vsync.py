"""Seed 003's six scenarios, on the real stack: what DICT has, we have in the end, or a person is
asked."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from devstack.promises import keep_promises
from devstack.stack import Stack
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.vsync_scenes import Bank, Key, bank_of, phone
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("vsync"))) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def bank(world: World) -> AsyncIterator[Bank]:
    """Our participant; DICT and our base are empty of what tests before have left."""
    async with bank_of(world) as made:
        yield made


def counts(payload: dict[str, object]) -> tuple[object, ...]:
    """Result, created, updated, put before a person, found."""
    names = ("entries_created", "entries_updated", "entries_deleted", "discrepancies")
    return (payload["result"], *(payload[name] for name in names))


async def test_happy_path(bank: Bank) -> None:
    await bank.hold(phone(1), phone(2))
    end = await bank.run()
    assert counts(end["event_payload"]) == ("COMPLETED", 0, 0, 0, 0)
    assert end["event_payload"]["entries_synced"] == 2
    reports = await bank.rows(
        "SELECT status FROM vsync.sync_reports WHERE id = $1", end["event_payload"]["report_id"]
    )
    assert [row["status"] for row in reports] == ["COMPLETED"]


async def test_missing_local(bank: Bank) -> None:
    await bank.register(*(phone(number) for number in range(10, 15)))
    end = await bank.run()
    assert counts(end["event_payload"]) == ("COMPLETED", 5, 0, 0, 5)


async def test_outdated_local(bank: Bank) -> None:
    keys = [phone(number) for number in range(20, 25)]
    await bank.hold(*keys)
    for key in keys:
        await bank.rename_at_dict(key, "Maria S.")
    end = await bank.run()
    assert counts(end["event_payload"]) == ("COMPLETED", 0, 5, 0, 5)


async def test_missing_bacen(bank: Bank) -> None:
    keys = [phone(number) for number in range(30, 33)]
    await bank.hold(*keys)
    for key in keys:
        await bank.remove_at_dict(key)
    end = await bank.run()
    assert counts(end["event_payload"]) == ("COMPLETED", 0, 0, 3, 3)
    queued = await bank.rows(
        "SELECT status FROM vsync.manual_review_queue WHERE entry_id = ANY($1::uuid[])",
        [key.entry_id for key in keys],
    )
    assert [row["status"] for row in queued] == ["PENDING"] * 3


async def test_partial_failure(bank: Bank) -> None:
    renamed, removed, created, hidden = (phone(number) for number in range(40, 44))
    await bank.hold(renamed, removed)
    await bank.rename_at_dict(renamed, "Maria P.")
    await bank.remove_at_dict(removed)
    await bank.register(created)
    cid = await bank.register(hidden)
    forbidden = control_pb2.InjectedProblem(type="Forbidden")
    fault = control_pb2.Fault(operation="GetEntryByCid", cid=cid, problem=forbidden)
    await bank.control.SetFaults(control_pb2.SetFaultsRequest(faults=[fault]))
    try:
        end = await bank.run()
    finally:
        await bank.control.SetFaults(control_pb2.SetFaultsRequest())
    payload = end["event_payload"]
    assert counts(payload) == ("PARTIAL", 1, 1, 0, 4)
    report = bank.world.dictctl_json("vsync", "report", payload["run_id"])
    failed = [it for it in report["discrepancies"] if it["state"] == "FAILED"]
    assert {(it["reason_code"], it["dict_cid"]) for it in failed} == {
        ("Forbidden", cid),
        ("unread-beside", None),
    }
    rest = await bank.run()
    assert counts(rest["event_payload"]) == ("COMPLETED", 1, 0, 1, 2)


async def test_bacen_down(bank: Bank) -> None:
    refused = control_pb2.InjectedProblem(type="Forbidden")
    await bank.control.SetOutage(control_pb2.SetOutageRequest(on=True, problem=refused))
    try:
        end = await bank.run()
    finally:
        await bank.control.SetOutage(control_pb2.SetOutageRequest(on=False))
    assert end["event_type"] == "VSYNC_FAILED"
    assert end["event_payload"]["reason_code"] == "Forbidden"


async def test_full(bank: Bank) -> None:
    keys: list[Key] = [phone(number) for number in range(50, 53)]
    await bank.hold(*keys)
    await bank.register(phone(60))
    await bank.rename_at_dict(keys[0], "Maria Full")
    await bank.remove_at_dict(keys[1])
    end = await bank.run("FULL")
    assert counts(end["event_payload"]) == ("COMPLETED", 1, 1, 1, 3)


async def test_what_vsync_promises_holds_after_all_of_it(bank: Bank, world: World) -> None:
    await bank.run()
    kept = {it.name: it.broken for it in await keep_promises(world.environment)}
    assert {name: kept[name] for name in ("P6", "P7", "P9", "P10")} == {
        "P6": (),
        "P7": (),
        "P9": (),
        "P10": (),
    }
    entry = (await bank.rows("SELECT entry_id FROM vsync.entries WHERE active LIMIT 1"))[0]
    connection = await world.connect()
    try:
        await connection.execute(
            "UPDATE vsync.entries SET active = FALSE WHERE entry_id = $1", entry["entry_id"]
        )
        await connection.execute(
            "UPDATE vsync.cids SET active = FALSE WHERE entry_id = $1", entry["entry_id"]
        )
    finally:
        await connection.close()
    broken = {it.name: it.broken for it in await keep_promises(world.environment)}
    assert broken["P6"] == (str(entry["entry_id"]),)
    assert broken["P7"] == ("12345678 PHONE",)
