"""Bacen's homologation, as far as it can be played: a set of a thousand keys that was altered
behind our back is put right and proven, and every difference is explained."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge_simulator.generated_set import entry_of
from bridge_simulator.records import Entry
from devstack.cast import CLAIMER
from devstack.promises import keep_promises
from devstack.stack import Stack
from dict_common.kernel.personal import PERSONAL_SHAPES
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.entry_files import write_csv
from tests.support.vsync_scenes import bank_of
from tests.support.world import World, make_world

KEY_TYPE, KEYS, SEED = "PHONE", 1_000, 7
CHANGED, REMOVED, ADDED = 25, 15, 20
Explained = list[tuple[control_pb2.EntryChange, dict[str, Any]]]


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("homologation"))) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(world: World) -> list[Entry]:
    """The set, at DICT and in our base, whose equality a run has proven."""
    entries = [entry_of(SEED, CLAIMER, KEY_TYPE, index) for index in range(KEYS)]
    async with bank_of(world) as bank:
        await bank.control.GenerateSet(
            control_pb2.GenerateSetRequest(
                participant=CLAIMER, key_type=KEY_TYPE, seed=SEED, count=KEYS
            )
        )
    file = write_csv(world.folder / "base.csv", [row(it) for it in entries])
    as_of = ("--as-of", "2026-01-31T12:00:00Z", "--why", "homologation")
    imported = world.dictctl_json("vsync", "import", str(file), *as_of)
    file.unlink()
    assert (imported["created"], imported["bad"]) == (KEYS, 0)
    proven = run(world)
    assert (proven["status"], proven["found"]) == ("COMPLETED", 0)
    return entries


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def explained(world: World, base: list[Entry]) -> Explained:
    """What was done behind our back, each change with what the run of afterwards says of it."""
    async with bank_of(world) as bank:
        asked = control_pb2.ChangeSetRequest(
            participant=CLAIMER,
            key_type=KEY_TYPE,
            seed=SEED,
            change=CHANGED,
            remove=REMOVED,
            add=ADDED,
        )
        changes = [it async for answer in bank.control.ChangeSet(asked) for it in answer.changes]
    done = run(world)
    assert (done["status"], done["found"]) == ("COMPLETED", CHANGED + REMOVED + ADDED)
    assert (done["created"], done["updated"], done["in_review"]) == (ADDED, CHANGED, REMOVED)
    told = world.dictctl("vsync", "explain", "--run", done["run_id"], "-o", "json")
    assert told.returncode == 0, told.stderr
    nothing_personal(told.stdout, changes)
    rows = json.loads(told.stdout)
    by_cids = {(it["local_cid"] or "", it["dict_cid"] or ""): it for it in rows}
    assert len(by_cids) == len(rows) == len(changes) == CHANGED + REMOVED + ADDED
    return [(it, by_cids[it.cid_before, it.cid_after]) for it in changes]


def row(entry: Entry) -> dict[str, str]:
    """As a file of a base has it; an entry's id in Core is free to choose: the RequestId here."""
    return {
        "entry_id": entry.request_id,
        "participant": entry.account.participant,
        "key_type": entry.key_type,
        "key": entry.key,
        "tax_id": entry.owner.tax_id_number,
        "name": entry.owner.name,
        "trade_name": entry.owner.trade_name or "",
        "branch": entry.account.branch or "",
        "account_number": entry.account.account_number,
        "account_type": entry.account.account_type,
        "request_id": entry.request_id,
    }


def run(world: World) -> dict[str, Any]:
    """A run that an operator waits for."""
    told = world.dictctl_json("vsync", "run", "--participant", CLAIMER, "--wait")
    done: dict[str, Any] = told["runs"][0]
    return done


def values(entry: bridge_pb2.Entry) -> dict[str, str]:
    """What DICT's entry says of itself, of all that a change may touch."""
    return {
        "name": entry.owner.name,
        "account_number": entry.account.account_number,
        "account_type": entry.account.account_type,
    }


def nothing_personal(text: str, changes: list[control_pb2.EntryChange]) -> None:
    """No key, tax id, name or account of theirs in clear."""
    assert PERSONAL_SHAPES.search(text) is None
    for change in changes:
        entry = change.entry
        for value in (entry.key, entry.owner.name, entry.account.account_number):
            assert value not in text


def of(explained: Explained, change: str) -> Explained:
    """Those of one kind."""
    return [pair for pair in explained if pair[0].change == change]


def masked(key: str) -> str:
    """A phone that its owner recognises."""
    return f"{key[:3]}{'*' * (len(key) - 5)}{key[-2:]}"


def test_every_key_is_named_masked(explained: Explained) -> None:
    for change, told in explained:
        assert told["key"] == masked(change.entry.key)
        assert told["key_type"] == KEY_TYPE
        assert told["refused"] == []


def test_what_was_altered_is_ours_as_dict_has_it(explained: Explained, base: list[Entry]) -> None:
    before = {it.key: row(it) for it in base}
    altered = of(explained, "CHANGED")
    assert len(altered) == CHANGED
    for change, told in altered:
        was, now = before[change.entry.key], values(change.entry)
        assert (told["type"], told["state"]) == ("OUTDATED_LOCAL", "FIXED")
        assert told["entry_id"] == was["entry_id"]
        assert {it["field"] for it in told["differs"]} == {
            name for name, value in now.items() if value != was[name]
        }
        assert told["parted"].startswith("DICT changed it at ")
        assert "told by IMPORT" in told["parted"]
        assert [it["event"] for it in told["history"]] == ["ADDED", "REMOVED", "ADDED"]


def test_what_was_inserted_is_created_here(explained: Explained) -> None:
    inserted = of(explained, "ADDED")
    assert len(inserted) == ADDED
    for _, told in inserted:
        assert (told["type"], told["state"]) == ("MISSING_LOCAL", "FIXED")
        assert told["became"] == "was created here as DICT has it"
        assert told["parted"].startswith("DICT took it in at ")
        assert told["parted"].endswith("it never stood here")


def test_what_was_removed_is_put_before_a_person(explained: Explained, world: World) -> None:
    removed = of(explained, "REMOVED")
    assert len(removed) == REMOVED
    for change, told in removed:
        assert (told["type"], told["state"]) == ("MISSING_BACEN", "IN_REVIEW")
        assert told["entry_id"] == change.request_id
        assert told["parted"].startswith("DICT gave it up at ")
        assert "told by IMPORT" in told["parted"]
    reviews = world.dictctl_json("review", "list")
    assert {it["entry_id"] for it in reviews} == {told["entry_id"] for _, told in removed}


async def test_the_set_is_proven(explained: Explained, world: World) -> None:
    proven = run(world)
    assert (proven["status"], proven["found"]) == ("COMPLETED", 0)
    sets = world.dictctl_json("vsync", "status")
    (phones,) = (it for it in sets if it["key_type"] == KEY_TYPE)
    assert phones["keys"] == KEYS - REMOVED + ADDED
    kept = {it.name: it.broken for it in await keep_promises(world.environment)}
    assert {name: kept[name] for name in ("P6", "P7", "P9", "P10")} == {
        "P6": (),
        "P7": (),
        "P9": (),
        "P10": (),
    }
