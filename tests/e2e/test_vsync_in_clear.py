"""What an operator is shown in clear with a reason, on the real stack, and what the audit has."""

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
from tests.support.vsync_scenes import OWNER, Bank, Key, bank_of, phone
from tests.support.waiting import until
from tests.support.world import World, make_world

OTHER_NAME = "MARIA SOUZA"
CREATED, RENAMED, REMOVED = phone(170), phone(171), phone(172)
TICKET = "the owner asks why, ticket 4721"
NOTHING_SHOWN = ""


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("vsync-in-clear"))) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bank(world: World) -> AsyncIterator[Bank]:
    """Our participant."""
    async with bank_of(world) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def run(bank: Bank, world: World) -> str:
    """The id of a run that has found one key of each type."""
    await bank.hold(RENAMED, REMOVED)
    await bank.register(CREATED)
    await bank.rename_at_dict(RENAMED, OTHER_NAME)
    await bank.remove_at_dict(REMOVED)
    told = world.dictctl_json("vsync", "run", "--participant", CLAIMER, "--wait")
    return str(told["runs"][0]["run_id"])


async def told_of(bank: Bank) -> list[dict[str, Any]]:
    """All that the audit has of values in clear by now."""
    told = [it["event_payload"] for it in await bank.told("operator.acted")]
    return [it for it in told if it["verb"] == "ENTRIES_OPEN"]


async def opened(bank: Bank, count: int) -> list[dict[str, Any]]:
    """What the audit has of values in clear, once it has so many."""

    async def look() -> list[dict[str, Any]]:
        found = await told_of(bank)
        return found if len(found) >= count else []

    return await until(look, "the audit tells who was shown values in clear")


def of_key(rows: list[dict[str, Any]], key: Key) -> dict[str, Any]:
    """The row about a key, by the key in clear."""
    (row,) = (it for it in rows if it["key"] == key.key)
    return row


async def test_a_report_in_clear_is_audited_before_it_is_shown(
    world: World, bank: Bank, run: str
) -> None:
    done = world.dictctl("vsync", "report", run, "--reason", TICKET, "-o", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["discrepancies"]
    renamed = of_key(rows, RENAMED)
    assert (renamed["ours_name"], renamed["dict_name"]) == (OWNER, OTHER_NAME)
    assert renamed["ours_tax_id"] == RENAMED.tax_id
    assert of_key(rows, REMOVED)["dict_name"] is None
    assert of_key(rows, CREATED)["ours_name"] is None
    assert str(RENAMED.request_id) not in done.stdout
    (told,) = await opened(bank, 1)
    assert (told["target_type"], told["target_id"], told["opened"]) == ("vsync-run", run, 3)
    assert (told["reason"], told["outcome"]) == (TICKET, "opened")
    assert told["operator"]
    for value in (RENAMED.key, RENAMED.tax_id, RENAMED.account, OWNER, OTHER_NAME):
        assert value not in json.dumps(told)


async def test_csv_table_and_explain(world: World, bank: Bank, run: str) -> None:
    before = len(await told_of(bank))
    words = ("vsync", "report", run, "--reason", TICKET)
    rows = list(csv.DictReader(io.StringIO(world.dictctl(*words, "--format", "csv").stdout)))
    assert of_key(rows, RENAMED)["dict_name"] == OTHER_NAME
    assert RENAMED.key in world.dictctl(*words).stdout
    by_run = world.dictctl_json("vsync", "explain", "--run", run, "--reason", TICKET)
    (differs,) = of_key(by_run, RENAMED)["differs"]
    assert (differs["ours"], differs["dict"]) == (OWNER, OTHER_NAME)
    entry = str(RENAMED.entry_id)
    by_entry = world.dictctl("vsync", "explain", "--entry", entry, "--why", TICKET)
    assert RENAMED.key in by_entry.stdout, by_entry.stderr
    told = (await opened(bank, before + 4))[before:]
    targets = [(it["target_type"], it["target_id"], it["opened"]) for it in told]
    assert sorted(targets) == [("entry", entry, 1), *[("vsync-run", run, 3)] * 3]


async def test_bad_reasons_and_unknown_runs_show_nothing_and_tell_nothing(
    world: World, bank: Bank, run: str
) -> None:
    before = len(await told_of(bank))
    for reason in ("", "4721", "x" * 201, f"{RENAMED.key} asks why"):
        for words in (("report", run), ("explain", "--run", run)):
            done = world.dictctl("vsync", *words, "--reason", reason)
            assert (done.returncode, done.stdout) == (2, NOTHING_SHOWN)
            assert "reason-invalid" in done.stderr
    stranger = str(RENAMED.entry_id)
    for words in (("report", stranger), ("explain", "--run", stranger)):
        done = world.dictctl("vsync", *words, "--reason", TICKET)
        assert (done.returncode, done.stdout) == (4, NOTHING_SHOWN)
    masked = world.dictctl("vsync", "report", run, "-o", "json")
    assert RENAMED.key not in masked.stdout
    assert len(await told_of(bank)) == before


def test_who_cannot_be_named_or_told_of_is_shown_nothing(
    world: World, run: str, tmp_path: Path
) -> None:
    words = ("vsync", "report", run, "--reason", TICKET)
    passwords = tmp_path / "pgpass"
    lines = Path(world.environment["PGPASSFILE"]).read_text().splitlines()
    passwords.write_text("".join(f"{it}\n" for it in lines if ":vsync:" not in it))
    passwords.chmod(0o600)
    for change, code, said in (
        ({"PGPASSFILE": str(passwords)}, 3, "vsync"),
        ({"DICT_OPERATOR_TOKEN_FILE": str(tmp_path / "none")}, 2, "token-missing"),
        ({"VSYNC_OPERATOR_ISSUER": "another"}, 2, "token-invalid"),
    ):
        done = World(world.environment | change, world.folder).dictctl(*words)
        assert (done.returncode, done.stdout) == (code, NOTHING_SHOWN), done.stderr
        assert said in done.stderr


async def test_a_rotated_key_opens_and_what_is_gone_says_so(
    world: World, bank: Bank, run: str
) -> None:
    folder = ("--folder", world.environment["DICT_KEYS_DIR"])
    for more in ((), ("--promote",)):
        done = world.dictctl("keys", "rotate", "rest", *folder, *more)
        assert done.returncode == 0, done.stderr
    connection = await world.connect()
    try:
        await connection.execute(
            "UPDATE vsync.discrepancies SET local_sealed = NULL, remote_sealed = NULL "
            "WHERE entry_id = $1",
            REMOVED.entry_id,
        )
    finally:
        await connection.close()
    before = len(await told_of(bank))
    told = world.dictctl_json("vsync", "report", run, "--reason", TICKET)["discrepancies"]
    assert of_key(told, RENAMED)["ours_name"] == OWNER
    (gone,) = (it for it in told if it["entry_id"] == str(REMOVED.entry_id))
    assert (gone["key"], gone["ours_name"], gone["dict_name"]) == ("not kept", "not kept", None)
    assert (await opened(bank, before + 1))[-1]["opened"] == 2
