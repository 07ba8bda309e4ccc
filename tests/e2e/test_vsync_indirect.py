"""A direct participant and an indirect one of the same installation, on the real stack: a run for
all proves both, each in its own name, and no key of one is ever seen in the sets of the other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devstack.cast import CLAIMER
from devstack.promises import keep_promises
from devstack.stack import Stack
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.vsync_scenes import Bank, Key, bank_of, phone
from tests.support.waiting import until
from tests.support.world import World, make_world

INDIRECT = "23456789"
BOTH = (CLAIMER, INDIRECT)


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation that speaks for both."""
    settings = {
        "VSYNC_PARTICIPANTS": ",".join(BOTH),
        "BRIDGE_SIMULATOR_INDIRECT": f"{CLAIMER}:{INDIRECT}",
    }
    folder = Path(tmp_path_factory.mktemp("vsync-indirect"))
    with make_world(stack, folder, **settings) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bank(world: World) -> AsyncIterator[Bank]:
    """Of both."""
    async with bank_of(world) as made:
        yield made


def of_indirect(number: int) -> Key:
    """A phone of the indirect one."""
    return phone(number, INDIRECT)


def run_all(world: World, code: int = 0) -> dict[str, dict[str, Any]]:
    """A run for all, and each participant's whole run, as its report has it."""
    done = world.dictctl("vsync", "run", "--wait")
    assert done.returncode == code, done.stderr
    rows = world.dictctl_json("vsync", "list")
    newest = {it["participant"]: it for it in reversed(rows) if it["key_type"] is None}
    return {
        participant: world.dictctl_json("vsync", "report", run["run_id"])
        for participant, run in newest.items()
    }


def figures(report: dict[str, Any]) -> tuple[object, ...]:
    """Status, created, updated, put before a person."""
    run = report["run"]
    return tuple(run[name] for name in ("status", "created", "updated", "in_review"))


async def sets_of(bank: Bank) -> dict[str, set[str]]:
    """Active CIDs of each participant's phones here."""
    rows = await bank.rows(
        "SELECT ispb, cid FROM vsync.cids_with_entry "
        "WHERE key_type = 'PHONE' AND sync_status = 'synced'"
    )
    return {of: {it["cid"] for it in rows if it["ispb"] == of} for of in BOTH}


async def proven(bank: Bank) -> None:
    """Both VSyncs equal DICT's, and nothing is half done."""
    kept = {it.name: it.broken for it in await keep_promises(bank.world.environment)}
    assert (kept["P6"], kept["P7"], kept["P9"]) == ((), (), ())


async def test_a_run_for_all_repairs_both_each_with_its_report_and_its_event(bank: Bank) -> None:
    ours, theirs = (phone(201), phone(202)), (of_indirect(203), of_indirect(204))
    await bank.hold(*ours, *theirs)
    for renamed in (ours[0], theirs[0]):
        await bank.rename_at_dict(renamed, "Maria I.")
    await bank.remove_at_dict(theirs[1])
    await bank.register(phone(205), of_indirect(206), of_indirect(207))
    reports = run_all(bank.world)
    assert figures(reports[CLAIMER]) == ("COMPLETED", 1, 1, 0)
    assert figures(reports[INDIRECT]) == ("COMPLETED", 2, 1, 1)
    for participant, report in reports.items():
        assert {it["participant"] for it in report["parts"]} == {participant}
        assert len(report["parts"]) == 5
        assert {it["participant"] for it in report["discrepancies"]} == {participant}
    entries = [{it["entry_id"] for it in reports[of]["discrepancies"]} for of in BOTH]
    assert not entries[0] & entries[1]

    async def told() -> dict[str, str]:
        ends = [it["event_payload"] for it in await bank.told("vsync.completed")]
        whole = {it["participant"]: it["run_id"] for it in ends if it["key_type"] is None}
        return whole if len(whole) == len(BOTH) else {}

    assert await until(told, "the audit has both ends") == {
        of: reports[of]["run"]["run_id"] for of in BOTH
    }
    held = await sets_of(bank)
    assert {of: len(cids) for of, cids in held.items()} == {CLAIMER: 3, INDIRECT: 3}
    assert not held[CLAIMER] & held[INDIRECT]
    await proven(bank)


async def test_each_is_asked_for_in_its_own_name_and_holds_up_no_other(bank: Bank) -> None:
    await bank.register(phone(210), of_indirect(211))
    refused = control_pb2.InjectedProblem(type="Forbidden")
    fault = control_pb2.Fault(participant=INDIRECT, problem=refused)
    await bank.control.SetFaults(control_pb2.SetFaultsRequest(faults=[fault]))
    try:
        reports = run_all(bank.world, code=1)
    finally:
        await bank.control.SetFaults(control_pb2.SetFaultsRequest())
    assert figures(reports[CLAIMER]) == ("COMPLETED", 1, 0, 0)
    assert figures(reports[INDIRECT]) == ("FAILED", 0, 0, 0)
    assert reports[INDIRECT]["run"]["reason_code"] == "Forbidden"
    assert figures(run_all(bank.world)[INDIRECT]) == ("COMPLETED", 1, 0, 0)
    await proven(bank)


async def test_a_key_that_moved_from_one_to_the_other_stands_with_the_other_alone(
    bank: Bank,
) -> None:
    before = phone(220)
    after = Key(before.key, before.tax_id, before.account, participant=INDIRECT)
    await bank.hold(before)
    had = await sets_of(bank)
    await bank.remove_at_dict(before)
    cid = await bank.register(after)
    run_all(bank.world)
    run_all(bank.world)
    held = await sets_of(bank)
    assert held[INDIRECT] == had[INDIRECT] | {cid}
    assert held[CLAIMER] < had[CLAIMER]
    assert len(had[CLAIMER] - held[CLAIMER]) == 1
    await proven(bank)
    await bank.report(after)
    reports = run_all(bank.world)
    assert {figures(it) for it in reports.values()} == {("COMPLETED", 0, 0, 0)}
    assert await sets_of(bank) == held
