"""Months on the real database: made ahead, and rows that come home while others read and write."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.months import months_from
from devstack.stack import Stack
from dict_common.store.database import prepare
from tests.support.audit_rows import AuditWriter, assert_proven, audit_row, audit_writer
from tests.support.waiting import until
from tests.support.world import World, make_world

FEBRUARY = datetime(2020, 2, 3, tzinfo=UTC)
MARCH = datetime(2020, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
APRIL = datetime(2020, 4, 1, tzinfo=UTC)
DEFAULT = "audit.workflow_events_default"
ROWS_MANY = 6_000


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """A world of its own for each test: the tables' order is what they are about."""
    with make_world(stack, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def database(world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser's connection."""
    connection = await world.connect()
    await prepare(connection)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def writer(world: World) -> AsyncIterator[AuditWriter]:
    """A sink's store."""
    async with audit_writer(world) as made:
        yield made


def of_three_months(count: int) -> list[AuditRow]:
    """Rows of February, March and April 2020, in turns."""
    times = (FEBRUARY, MARCH, APRIL)
    return [audit_row(occurred_at=times[number % 3]) for number in range(count)]


async def whole(database: "asyncpg.Connection[Any]") -> dict[UUID, tuple[object, ...]]:
    """Every column of every row by event_id, the place of each aside."""
    rows = await database.fetch("SELECT * FROM audit.workflow_events")
    return {row["event_id"]: tuple(row.values()) for row in rows}


async def places(database: "asyncpg.Connection[Any]") -> Counter[str]:
    """How many rows stand in which table."""
    rows = await database.fetch("SELECT tableoid::regclass::text AS it FROM audit.workflow_events")
    return Counter(row["it"] for row in rows)


async def tables(database: "asyncpg.Connection[Any]") -> dict[str, str]:
    """Every table of the audit's schema and its bounds."""
    rows = await database.fetch(
        "SELECT relname, pg_get_expr(relpartbound, oid) AS bounds FROM pg_class "
        "WHERE relnamespace = 'audit'::regnamespace AND relkind IN ('r', 'p')"
    )
    return {row["relname"]: row["bounds"] for row in rows}


async def shape_of(database: "asyncpg.Connection[Any]", table: str) -> list[tuple[object, ...]]:
    """Columns, constraints, owner, grants and what indexes stand under, without names."""
    columns = await database.fetch(
        "SELECT attname, atttypid, atttypmod, attnotnull FROM pg_attribute "
        "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        table,
    )
    rest = await database.fetch(
        "SELECT relowner::regrole::text, relacl::text, "
        "(SELECT array_agg(inhparent::regclass::text ORDER BY 1) FROM pg_index "
        " LEFT JOIN pg_inherits ON inhrelid = indexrelid WHERE indrelid = pg_class.oid), "
        "(SELECT array_agg(substring(pg_get_indexdef(indexrelid) FROM 'USING.*') ORDER BY 1) "
        " FROM pg_index WHERE indrelid = pg_class.oid), "
        "(SELECT count(*) FROM pg_constraint WHERE conrelid = pg_class.oid) "
        "FROM pg_class WHERE oid = $1::text::regclass",
        table,
    )
    return [tuple(row) for row in (*columns, *rest)]


@asynccontextmanager
async def writing(writer: AuditWriter, written: list[AuditRow]) -> AsyncIterator[None]:
    """A sink writes rows of 2020 and of now, all the while; its errors end the test."""
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            rows = [*of_three_months(3), audit_row(occurred_at=datetime.now(UTC))]
            await writer.write(rows)
            written.extend(rows)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        stop.set()
        await task


async def test_list_shows_months_default_and_how_far_they_reach(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    empty = world.dictctl_json("audit", "partitions", "list")
    today = datetime.now(UTC).date()
    assert empty["first_missing_month"] == today.isoformat()[:7]
    assert world.dictctl("audit", "partitions", "ensure", "--months", "2").returncode == 0
    await writer.write([*of_three_months(6), audit_row(occurred_at=datetime.now(UTC))])
    await database.execute("ANALYZE audit.workflow_events")
    found = world.dictctl_json("audit", "partitions", "list")
    months = [month.isoformat()[:7] for month in months_from(today, 4)]
    assert [it["month"] for it in found["partitions"]] == months[:3]
    assert [it["state"] for it in found["partitions"]] == ["attached"] * 3
    assert found["partitions"][0]["rows_estimate"] == 1
    assert found["partitions"][0]["bytes"] > 0
    assert found["default_rows"] == {"2020-02": 2, "2020-03": 2, "2020-04": 2}
    assert found["first_missing_month"] == months[3]
    last = f"workflow_events_{months[2].replace('-', '_')}"
    await database.execute(f"ALTER TABLE audit.workflow_events DETACH PARTITION audit.{last}")
    after = world.dictctl_json("audit", "partitions", "list")
    assert after["partitions"][2]["state"] == "detached"
    assert after["first_missing_month"] == months[2]
    refused = world.dictctl("audit", "partitions", "ensure", "--months", "2")
    assert (refused.returncode, months[2] in refused.stderr) == (5, True)
    late = audit_row(occurred_at=datetime.fromisoformat(f"{months[2]}-05T00:00:00Z"))
    await writer.write([late])
    chosen = world.dictctl("audit", "partitions", "rehome", "--month", months[2])
    assert (chosen.returncode, "late rows stay" in chosen.stderr) == (5, True)
    assert world.dictctl("audit", "partitions", "rehome").returncode == 0
    assert (await places(database))[DEFAULT] == 1
    assert world.dictctl("audit", "partitions", "rehome").returncode == 5


async def test_ensure_makes_past_months_once_and_says_rehome_where_rows_wait(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    await writer.write([audit_row(occurred_at=MARCH)])
    asked = ("audit", "partitions", "ensure", "--from", "2020-02", "--to", "2020-04")
    before = await tables(database)
    dry = world.dictctl(*asked, "--dry-run")
    assert await tables(database) == before
    assert (dry.returncode, dry.stdout.count("would be made")) == (5, 2)
    done = world.dictctl(*asked)
    assert done.returncode == 5
    assert "not made: 2020-03" in done.stderr
    assert "dictctl audit partitions rehome" in done.stderr
    assert set(await tables(database)) - set(before) == {
        "workflow_events_2020_02",
        "workflow_events_2020_04",
    }
    assert world.dictctl("audit", "partitions", "rehome").returncode == 0
    rows = world.dictctl_json(*asked)
    assert [row["state"] for row in rows] == ["there"] * 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ensure", "--from", "2020-02"), 2, "go together"),
        (("ensure", "--from", "2020-05", "--to", "2020-04"), 2, "is after"),
        (("ensure", "--from", "1900-01", "--to", "2020-04"), 2, "at most at once"),
        (("ensure", "--from", "0001-01", "--to", "0001-02"), 2, "before 1970"),
        (("ensure", "--from", "9999-12", "--to", "9999-12"), 2, "months off"),
        (("ensure", "--from", "2020-13", "--to", "2020-14"), 2, "month such as"),
        (("ensure", "--months", "25"), 2, "--months"),
        (("rehome", "--month", "yesterday"), 2, "month such as"),
        (("rehome", "--month", "2020-02"), 4, "holds no rows"),
        (("rehome",), 0, "nothing to do"),
    ],
)
async def test_bad_input_is_told_what_to_do(
    bad_input_world: World, words: tuple[str, ...], code: int, said: str
) -> None:
    done = bad_input_world.dictctl("audit", "partitions", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.fixture(scope="module")
def bad_input_world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all that changes nothing."""
    with make_world(stack, Path(tmp_path_factory.mktemp("input"))) as made:
        yield made


async def test_months_ahead_are_made_while_a_sink_writes(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    written: list[AuditRow] = []
    async with writing(writer, written):
        done = await asyncio.to_thread(
            world.dictctl, "audit", "partitions", "ensure", "--from", "2035-01", "--to", "2035-12"
        )
    assert done.returncode == 0, done.stderr
    assert len(await tables(database)) >= 12
    assert set(await whole(database)) == {row.event_id for row in written}


async def test_month_is_not_made_while_a_reader_holds_default(
    world: World, database: "asyncpg.Connection[Any]"
) -> None:
    before = await tables(database)
    reader = await world.connect("operator_ro")
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM audit.workflow_events")
        rows = await asyncio.to_thread(
            world.dictctl, "audit", "partitions", "ensure", "--months", "0"
        )
    assert (rows.returncode, "locked" in rows.stdout) == (5, True)
    assert await tables(database) == before
    assert world.dictctl("audit", "partitions", "ensure", "--months", "0").returncode == 0
    await reader.close()


async def test_rows_of_one_month_come_home_and_others_stay(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    await writer.write(of_three_months(30))
    await writer.write([*of_three_months(9), audit_row(occurred_at=FEBRUARY)])
    before, tables_before = await whole(database), await tables(database)
    shape = await shape_of(database, DEFAULT)
    dry = world.dictctl_json("audit", "partitions", "rehome", "--month", "2020-03", "--dry-run")
    assert [row["state"].split()[1] for row in dry] == ["stay", "come", "stay"]
    assert await tables(database) == tables_before
    done = world.dictctl_json("audit", "partitions", "rehome", "--month", "2020-03")
    assert [(row["month"], row["rows"], row["state"]) for row in done] == [
        ("2020-03", 13, "home"),
        ("2020-02", 14, "in DEFAULT"),
        ("2020-04", 13, "in DEFAULT"),
    ]
    assert await whole(database) == before
    assert await places(database) == Counter({"audit.workflow_events_2020_03": 13, DEFAULT: 27})
    assert await assert_proven(database) == 40
    assert set(await tables(database)) - set(tables_before) == {"workflow_events_2020_03"}
    assert await shape_of(database, DEFAULT) == shape
    assert await shape_of(database, "audit.workflow_events_2020_03") == shape
    words = ("audit", "partitions", "ensure", "--from", "2020-05", "--to", "2020-05")
    assert world.dictctl(*words).returncode == 0
    assert await shape_of(database, "audit.workflow_events_2020_05") == shape
    await writer.write(of_three_months(3))  # a sink finds the new tables
    assert world.dictctl("audit", "partitions", "rehome").returncode == 0
    assert DEFAULT not in await places(database)
    assert await assert_proven(database) == 43


async def test_readers_and_sinks_at_work_miss_nothing_and_double_nothing(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    known: set[UUID] = set()
    for _ in range(ROWS_MANY // 1_000):
        rows = of_three_months(1_000)
        await writer.write(rows)
        known |= {row.event_id for row in rows}
    stop = asyncio.Event()
    looks = 0

    async def look(reader: "asyncpg.Connection[Any]") -> None:
        nonlocal looks
        while not stop.is_set():
            seen = await reader.fetch("SELECT event_id FROM audit.workflow_events")
            counted = Counter(row["event_id"] for row in seen)
            assert known <= counted.keys()
            assert max(counted.values()) == 1
            looks += 1

    readers = [await world.connect("operator_ro") for _ in range(2)]
    reading = [asyncio.create_task(look(reader)) for reader in readers]
    written: list[AuditRow] = []
    async with writing(writer, written):
        done = await asyncio.to_thread(world.dictctl, "audit", "partitions", "rehome")
    stop.set()
    await asyncio.gather(*reading)
    assert done.returncode == 0, done.stderr
    assert looks > 3
    assert len(written) > 3
    everything = known | {row.event_id for row in written}
    assert set(await whole(database)) == everything
    assert await assert_proven(database) == len(everything)
    for reader in readers:
        await reader.close()


async def test_row_that_was_changed_is_not_moved(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    rows = of_three_months(9)
    batch_id = await writer.write(rows)
    await database.execute(
        "UPDATE audit.workflow_events SET event_type = 'FORGED' WHERE event_id = $1",
        rows[4].event_id,
    )
    before, tables_before = await whole(database), await tables(database)
    done = world.dictctl("audit", "partitions", "rehome")
    assert done.returncode == 1
    assert f"batch {batch_id}" in done.stderr
    assert "month 03/2020" in done.stderr
    assert await tables(database) == tables_before
    assert await whole(database) == before


async def test_row_that_no_batch_knows_is_not_lost(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    await writer.write(of_three_months(3))
    await database.execute(
        "INSERT INTO audit.workflow_events (event_id, workflow_type, workflow_id, event_type, "
        "occurred_at, source, aggregate_type, aggregate_id, aggregate_sequence, batch_id, leaf_no)"
        "VALUES (gen_random_uuid(), 't', 'w', 'T', $1, 's', 'claim', '1', 1, "
        "gen_random_uuid(), 0)",
        FEBRUARY,
    )
    before = await tables(database)
    done = world.dictctl("audit", "partitions", "rehome")
    assert done.returncode == 5
    assert "holds 4 rows, 3 of them were copied" in done.stderr
    assert await tables(database) == before


async def test_killed_while_it_waits_for_readers_it_leaves_what_was_before(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    await writer.write(of_three_months(30))
    before, tables_before = await whole(database), await tables(database)
    reader = await world.connect("operator_ro")
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM audit.workflow_events")
        process = await world.start_dictctl("audit", "partitions", "rehome")

        async def waits() -> bool:
            return bool(await rehoming(database, "AND wait_event_type = 'Lock'"))

        await until(waits, "everything is copied, and the lock is waited for")
        process.kill()
        await process.communicate()
    await reader.close()

    async def gone() -> bool:
        return not await rehoming(database)

    await until(gone, "PostgreSQL has noticed")
    assert await tables(database) == tables_before
    assert await whole(database) == before
    assert world.dictctl("audit", "partitions", "rehome").returncode == 0
    assert await whole(database) == before
    assert await assert_proven(database) == 30


async def test_rehome_gives_up_beside_a_long_reader_and_changes_nothing(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    await writer.write(of_three_months(30))
    before = await tables(database)
    reader = await world.connect("operator_ro")
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM audit.workflow_events")
        done = await asyncio.to_thread(world.dictctl, "audit", "partitions", "rehome")
    await reader.close()
    assert (done.returncode, "was in use" in done.stderr) == (5, True)
    assert await tables(database) == before


async def rehoming(database: "asyncpg.Connection[Any]", more: str = "") -> list[asyncpg.Record]:
    """The maintainer's sessions in this database."""
    return await database.fetch(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'audit_maintainer' "
        f"AND datname = current_database() {more}"
    )


async def test_sink_starts_although_a_month_cannot_be_made_and_says_so(
    world: World, writer: AuditWriter, database: "asyncpg.Connection[Any]"
) -> None:
    now = datetime.now(UTC)
    await writer.write([audit_row(occurred_at=now), audit_row(occurred_at=FEBRUARY)])
    world.start("sink")
    sink = world.processes["sink"]

    async def told() -> bool:
        return "month-not-made" in sink.tail()

    async def counted() -> bool:
        metrics = await asyncio.to_thread(sink.metrics)
        assert metrics["audit_sink_partition_horizon_days"] == 0
        return metrics["audit_sink_default_partition_rows"] == 2

    await until(told, "the sink says which month is missing")
    await until(counted, "the sink counts what lies in DEFAULT")
    assert world.dictctl("audit", "partitions", "rehome").returncode == 0
    world.stop("sink")
    world.start("sink")
    reach = datetime.combine(months_from(now.date(), 5)[4], datetime.min.time(), UTC)

    async def well() -> bool:
        looked = await asyncio.to_thread(world.processes["sink"].metrics)
        return looked["audit_sink_partition_horizon_days"] > (reach - now) / timedelta(days=1) - 1

    await until(well, "the months reach as far as they should")
    assert date(2020, 2, 1).isoformat()[:7] in {
        it["month"] for it in world.dictctl_json("audit", "partitions", "list")["partitions"]
    }
