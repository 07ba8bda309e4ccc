"""Core reports its entries: the base follows, its VSync too, and the audit tells it."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from devstack.cast import CLAIMER
from devstack.stack import Stack
from tests.support.core import PERSONAL
from tests.support.entry_files import write_csv
from tests.support.entry_reports import created, deleted
from tests.support.following import dead_letter_of
from tests.support.publishing import Core, core_of, properties
from tests.support.waiting import until
from tests.support.world import World, make_world
from vsync.application.import_rows import COLUMNS

REPORT = "entry.report"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("entries"))) as made:
        made.start("vsync", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core(world: World) -> AsyncIterator[Core]:
    """Core."""
    async with core_of(world) as made:
        yield made


async def told(world: World, entry_id: UUID, count: int) -> list[dict[str, Any]]:
    """What the audit has of an entry, once it is so much."""
    asked = ("audit", "search", "--aggregate", f"entry/{entry_id}", "-o", "json")

    async def look() -> list[dict[str, Any]] | None:
        done = world.dictctl(*asked)
        rows = json.loads(done.stdout) if done.returncode == 0 else []
        return rows if len(rows) >= count else None

    rows = await until(look, f"{count} events of entry {entry_id}")
    assert rows is not None
    return rows


def lines_of(report: dict[str, Any]) -> str:
    """As `dictctl vsync cid` reads it."""
    names = ("key_type", "key", "tax_id", "name", "trade_name", "participant", "branch")
    return json.dumps(
        {name: report[name] for name in (*names, "account_number", "account_type", "request_id")}
    )


async def fold(world: World) -> tuple[int, str]:
    """Keys and VSync of the phones, as folded."""
    connection = await world.connect("operator_ro")
    try:
        row = await connection.fetchrow(
            "SELECT keys, c1, c2, c3, c4 FROM vsync.folds "
            "WHERE participant = $1 AND key_type = 'PHONE'",
            CLAIMER,
        )
    finally:
        await connection.close()
    assert row is not None
    four = [int(row[f"c{number}"]) % 2**64 for number in (1, 2, 3, 4)]
    return row["keys"], "".join(f"{it:016x}" for it in four)


async def test_life_of_entries_and_the_vsync_that_an_operator_computes(
    world: World, core: Core
) -> None:
    entries = [uuid4() for _ in range(3)]
    reports = [created(it, key=f"+55619888800{at}") for at, it in enumerate(entries)]
    for report, entry_id in zip(reports, entries, strict=True):
        await core.command(REPORT, report, entry_id)
    renamed = reports[0] | {"operation": "UPDATED", "version": 2, "name": "João S."}
    await core.command(REPORT, renamed, entries[0])
    await core.command(REPORT, deleted(reports[1], 2), entries[1])
    for entry_id, names in (
        (entries[0], ["entry.created", "entry.updated"]),
        (entries[1], ["entry.created", "entry.deleted"]),
        (entries[2], ["entry.created"]),
    ):
        rows = await told(world, entry_id, len(names))
        assert [row["event_subtype"] for row in rows] == names
        assert [row["aggregate_sequence"] for row in rows] == list(range(1, len(names) + 1))
        assert not [value for value in PERSONAL if value in json.dumps(rows)]
    active = "\n".join(lines_of(it) for it in (renamed, reports[2]))
    cids = world.dictctl("vsync", "cid", given=active)
    assert cids.returncode == 0, cids.stderr
    vsync = world.dictctl("vsync", "xor", given=cids.stdout)
    assert await fold(world) == (2, vsync.stdout.strip())


async def test_what_breaks_a_rule_is_rejected_and_junk_is_buried(world: World, core: Core) -> None:
    entry_id = uuid4()
    command = await core.command(REPORT, created(entry_id, participant="99999999"), entry_id)

    async def rejected() -> dict[str, Any] | None:
        done = world.dictctl("audit", "search", "--type", "command.rejected", "-o", "json")
        rows = json.loads(done.stdout) if done.returncode == 0 else []
        payloads = [row["event_payload"] for row in rows]
        return next((it for it in payloads if it["command_id"] == str(command)), None)

    payload = await until(rejected, "the report is rejected")
    assert payload is not None
    assert (payload["reason_code"], payload["aggregate_type"], payload["aggregate_id"]) == (
        "participant-unknown",
        "entry",
        str(entry_id),
    )
    junk = uuid4()
    await core.send(str(junk), b"\xff junk", properties(junk, name=REPORT))
    letter = await dead_letter_of(world, junk)
    assert (letter["service"], letter["reason"]) == ("vsync", "undecodable")


async def test_a_killed_consumer_loses_and_doubles_nothing(world: World, core: Core) -> None:
    entry_id = uuid4()
    world.kill("vsync")
    report = created(entry_id, key="+5561988880099")
    for version in range(1, 6):
        await core.command(REPORT, report | {"version": version, "name": f"N{version}"}, entry_id)
    world.start("vsync")
    rows = await told(world, entry_id, 1)
    world.kill("vsync")
    world.start("vsync")
    rows = await told(world, entry_id, 5)
    assert [row["aggregate_sequence"] for row in rows] == [1, 2, 3, 4, 5]


async def test_a_base_is_imported_and_core_goes_on_from_there(
    world: World, core: Core, tmp_path: Path
) -> None:
    entry_id = uuid4()
    report = created(entry_id, key_type="EMAIL", key="joao@x.br", version=7)
    row = {name: str(report[name] or "") for name in COLUMNS}
    bad = row | {"entry_id": str(uuid4()), "key": ""}
    file = write_csv(tmp_path / "base.csv", [row, bad])
    words = ("vsync", "import", str(file), "--as-of", "2026-01-31T12:00:00Z", "--why", "T-1")
    done = world.dictctl(*words, "-o", "json")
    assert done.returncode == 1, done.stderr
    imported = json.loads(done.stdout)
    assert (imported["created"], imported["bad"]) == (1, 1)
    await core.command(REPORT, report | {"operation": "UPDATED", "name": "João S."}, entry_id)
    (updated,) = await told(world, entry_id, 1)
    assert (updated["event_subtype"], updated["aggregate_sequence"]) == ("entry.updated", 1)
    asked = ("audit", "search", "--aggregate", f"operator-action/{imported['import_id']}")

    async def acted() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = world.dictctl_json(*asked)
        return found

    (event,) = await until(acted, "the audit tells of the import")
    payload = event["event_payload"]
    assert (payload["verb"], payload["rows"], payload["rows_bad"]) == ("ENTRIES_IMPORT", 2, 1)
    assert payload["file_sha256"] == imported["file_sha256"]
    assert not [value for value in PERSONAL if value in json.dumps(event) + done.stderr]
