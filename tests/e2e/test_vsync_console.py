"""What an operator types about VSYNC, on the real stack: run, look, explain, compare, review."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devstack.cast import CLAIMER
from devstack.stack import Stack
from dict_common.kernel.personal import PERSONAL_SHAPES
from tests.support.vsync_scenes import OWNER, Bank, Key, bank_of, phone
from tests.support.world import World, make_world

OTHER_NAME = "MARIA SOUZA"
CREATED, RENAMED, REMOVED = phone(70), phone(71), phone(72)
STAYS = phone(73)


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("vsync-console"))) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def run(world: World) -> AsyncIterator[dict[str, Any]]:
    """A run that has found one key of each type, as `run --wait` tells of it."""
    async with bank_of(world) as bank:
        await differ(bank)
        told = world.dictctl_json("vsync", "run", "--participant", CLAIMER, "--wait")
        yield told["runs"][0]


async def differ(bank: Bank) -> None:
    """One key of each of seed 003's types, and one that stands."""
    await bank.hold(STAYS, RENAMED, REMOVED)
    await bank.register(CREATED)
    await bank.rename_at_dict(RENAMED, OTHER_NAME)
    await bank.remove_at_dict(REMOVED)


def of_key(rows: list[dict[str, Any]], key: Key) -> dict[str, Any]:
    """The row about one of the keys, known by its entry."""
    (row,) = (it for it in rows if it["entry_id"] == str(key.entry_id))
    return row


def nothing_personal(text: str) -> None:
    """No key, tax id, name, account or secret of a CID in clear."""
    assert PERSONAL_SHAPES.search(text) is None
    for key in (CREATED, RENAMED, REMOVED, STAYS):
        for value in (key.key, key.tax_id, key.account, str(key.request_id), OWNER, OTHER_NAME):
            assert value not in text


def test_a_run_is_asked_for_and_waited_for(world: World, run: dict[str, Any]) -> None:
    assert run["status"] == "COMPLETED"
    assert (run["found"], run["created"], run["updated"], run["in_review"]) == (3, 1, 1, 1)
    listed = world.dictctl_json("vsync", "list", "--key-type", "phone", "--status", "completed")
    assert listed[0]["found"] == 3
    assert listed[0]["proven_at"] is not None
    whole = [it for it in world.dictctl_json("vsync", "list") if it["key_type"] is None]
    assert [it["run_id"] for it in whole] == [run["run_id"]]


def test_what_is_proven(world: World, run: dict[str, Any]) -> None:
    sets = world.dictctl_json("vsync", "status")
    assert sorted(it["key_type"] for it in sets) == ["CNPJ", "CPF", "EMAIL", "EVP", "PHONE"]
    assert not any(it["overdue"] for it in sets)
    (phones,) = (it for it in sets if it["key_type"] == "PHONE")
    assert phones["keys"] == 3


def test_a_report_by_either_id_masks_what_it_shows(world: World, run: dict[str, Any]) -> None:
    by_run = world.dictctl("vsync", "report", run["run_id"], "-o", "json")
    by_report = world.dictctl("vsync", "report", run["report_id"], "-o", "json")
    assert by_run.stdout == by_report.stdout
    nothing_personal(by_run.stdout)
    told = json.loads(by_run.stdout)
    assert len(told["parts"]) == 5
    found = {it["type"]: it for it in told["discrepancies"]}
    assert {it["state"] for it in found.values()} == {"FIXED", "IN_REVIEW"}
    assert found["MISSING_LOCAL"]["key"] == "+55*********70"
    rows = list(
        csv.DictReader(
            io.StringIO(world.dictctl("vsync", "report", run["run_id"], "--format", "csv").stdout)
        )
    )
    assert [it["type"] for it in rows] == [it["type"] for it in told["discrepancies"]]
    table = world.dictctl("vsync", "report", run["run_id"])
    assert table.returncode == 0, table.stderr
    nothing_personal(table.stdout)


def test_why_keys_differed(world: World, run: dict[str, Any]) -> None:
    done = world.dictctl("vsync", "explain", "--run", run["run_id"], "-o", "json")
    assert done.returncode == 0, done.stderr
    nothing_personal(done.stdout)
    rows = json.loads(done.stdout)
    renamed = of_key(rows, RENAMED)
    assert renamed["differs"] == [
        {
            "field": "name",
            "ours": "[11 characters]",
            "dict": "[11 characters]",
            "how": "upper and lower case alone",
        }
    ]
    assert renamed["parted"].startswith("DICT changed it at ")
    assert "told by CORE" in renamed["parted"]
    assert [it["event"] for it in renamed["history"]] == ["ADDED", "REMOVED", "ADDED"]
    assert of_key(rows, REMOVED)["parted"].startswith("DICT gave it up at ")
    (missing,) = (it for it in rows if it["type"] == "MISSING_LOCAL")
    assert missing["parted"].endswith("it never stood here")
    assert missing["became"] == "was created here as DICT has it"
    table = world.dictctl("vsync", "explain", "--run", run["run_id"])
    assert "fields that differ:" in table.stdout, table.stderr
    nothing_personal(table.stdout)


def test_why_one_key_differed(world: World, run: dict[str, Any]) -> None:
    by_entry = world.dictctl_json("vsync", "explain", "--entry", str(RENAMED.entry_id))
    words = ("vsync", "explain", "--key-hash-of", "PHONE", "-o", "json")
    by_key = world.dictctl(*words, given=RENAMED.key + "\n")
    assert json.loads(by_key.stdout) == by_entry
    assert len(by_entry) == 1
    assert world.dictctl(*words, given=STAYS.key).returncode == 4
    assert world.dictctl("vsync", "explain").returncode == 2


def test_a_console_without_keysets_says_what_is_sealed(world: World, run: dict[str, Any]) -> None:
    keyless = World(world.environment | {"DICT_KEYS_DIR": str(world.folder / "none")}, world.folder)
    done = keyless.dictctl("vsync", "explain", "--run", run["run_id"], "-o", "json")
    rows = json.loads(done.stdout)
    assert {it["key"] for it in rows} == {"sealed"}
    assert [it["parted"] for it in rows] == [
        it["parted"] for it in world.dictctl_json("vsync", "explain", "--run", run["run_id"])
    ]
    assert "rest.json" in done.stderr


async def test_a_file_is_compared(world: World, run: dict[str, Any], tmp_path: Path) -> None:
    async with bank_of(world) as bank:
        cids = [
            row["cid"]
            for row in await bank.rows(
                "SELECT cid FROM vsync.cids_with_entry "
                "WHERE ispb = $1 AND key_type = 'PHONE' AND sync_status = 'synced'",
                CLAIMER,
            )
        ]
    file, words = tmp_path / "cids", ("vsync", "diff", "--participant", CLAIMER)
    file.write_text("".join(f"{cid}\n" for cid in cids))
    options = (*words, "--key-type", "PHONE", "--file", str(file))
    same = world.dictctl_json(*options)
    assert (same["here"], same["only_here"], same["only_in_file"]) == (len(cids), 0, 0)
    assert same["vsync_here"] == same["vsync_of_file"]
    stranger = "ab" * 32
    file.write_text("".join(f"{cid}\n" for cid in [*cids[1:], stranger]))
    differs = world.dictctl(*options, "-o", "json")
    assert differs.returncode == 1
    rows = json.loads(differs.stdout)["differences"]
    assert [(it["only"], it["cid"]) for it in rows] == [("here", cids[0]), ("file", stranger)]
    assert rows[0]["entry_id"] is not None
    assert rows[1]["known"] == "never here"
    file.write_text(f"{stranger}\nno cid\n")
    assert world.dictctl(*options).returncode == 2
    assert world.dictctl(*words, "--key-type", "PHONE", "--file", "/none").returncode == 2


def test_reviews(world: World, run: dict[str, Any]) -> None:
    (listed,) = world.dictctl_json("review", "list")
    assert (listed["key"], listed["status"]) == ("+55*********72", "PENDING")
    assert world.dictctl_json("review", "list", "--overdue") == []
    assert world.dictctl_json("review", "list", "--status", "RESOLVED") == []
    shown = world.dictctl("review", "show", listed["review_id"], "-o", "json")
    nothing_personal(shown.stdout)
    assert json.loads(shown.stdout)["entry_id"] == str(REMOVED.entry_id)
    assert world.dictctl("review", "show", run["run_id"]).returncode == 4


def test_what_is_refused(world: World, run: dict[str, Any]) -> None:
    for words, code in (
        (("run", "--participant", "1"), 2),
        (("run", "--since", "2999-01-01"), 2),
        (("run", "--since", "2026-01-01", "--full"), 2),
        (("run", "--participant", "99999999"), 5),
        (("list", "--status", "GOOD"), 2),
        (("report", "x"), 2),
        (("report", str(STAYS.entry_id)), 4),
    ):
        done = world.dictctl("vsync", *words)
        assert done.returncode == code, (words, done.stderr)
    ours = dict(world.environment)
    del ours["VSYNC_PARTICIPANTS"]
    stranger = World(ours, world.folder)
    done = stranger.dictctl("vsync", "run", "--participant", "99999999", "--wait")
    assert done.returncode == 5
    assert "participant-unknown" in done.stderr
    dry = world.dictctl_json("vsync", "run", "--full", "--dry-run")
    assert dry["published"] is False
    assert dry["workflow_ids"][0].startswith(f"vsync-{CLAIMER}-")
