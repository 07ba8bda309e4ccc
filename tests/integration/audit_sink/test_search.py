"""dictctl audit search and export on the real database: all that fits, once, in order."""

import json
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from audit_sink.adapters.postgres_audit_search import PostgresAuditSearch
from audit_sink.domain.audit_row import AuditRow, canonical_json
from audit_sink.domain.criteria import Criteria
from audit_sink.domain.evidence import parts
from audit_sink.entrypoints.asking import Typed
from devstack.stack import Stack
from dict_common.store.database import Database, PoolSize, prepare
from tests.support.audit_filler import Filling, fill
from tests.support.audit_plans import plan_of
from tests.support.audit_rows import audit_row, audit_writer
from tests.support.waiting import until
from tests.support.world import World, make_world

CLAIM = str(uuid4())
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def rows_to_find() -> list[AuditRow]:
    """Of two claims, in months with and without a table, many of them of one instant."""
    rows = [
        audit_row(
            aggregate_id=CLAIM if number % 2 else str(UUID(int=1)),
            aggregate_sequence=number // 2 + 1,
            aggregate_type="claim-donor" if number % 12 == 11 else "claim",
            occurred_at=NOON - timedelta(days=number // 4 * 9),
            participant_ispb=("11111111", "22222222", None)[number % 3],
            event_subtype=("claim.created", "workflow.step")[number // 5 % 2],
            event_type=("STARTED", "TIMER_FIRED", "SIGNAL_RECEIVED")[number // 5 % 3],
            correlation_id=f"asked-{number % 5}",
            workflow_id=f"claim-{number % 4}",
        )
        for number in range(60)
    ]
    refused = [
        audit_row(
            aggregate_type="command",
            aggregate_id=str(uuid4()),
            event_subtype="command.rejected",
            event_type="COMMAND_REJECTED",
            event_payload=canonical_json({"aggregate_id": claim}),
            occurred_at=NOON - timedelta(days=200),
        )
        for claim in (CLAIM, str(UUID(int=1)))
    ]
    return [*rows, *refused]


ROWS = rows_to_find()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with these rows: 2025 stands in DEFAULT but for its last two months."""
    with make_world(stack, Path(tmp_path_factory.mktemp("search"))) as made:
        words = ("audit", "partitions", "ensure", "--from", "2025-11", "--to", "2026-01")
        assert made.dictctl(*words).returncode == 0
        async with audit_writer(made) as writer:
            for begin in range(0, len(ROWS), 10):
                await writer.write(ROWS[begin : begin + 10])
        yield made


@pytest_asyncio.fixture
async def reader(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A pool as dictctl reads with."""
    monkeypatch.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
    url = world.environment["DICT_POSTGRES_URL"]
    database = await Database.open(url, "operator_ro", PoolSize(1, 1))
    yield database
    await database.close()


def by_sequence(row: AuditRow) -> Any:
    """The order of one aggregate's events."""
    command = row.aggregate_type == "command"
    return (command, row.aggregate_type, row.source, row.aggregate_sequence, row.occurred_at)


def newest_first(row: AuditRow) -> Any:
    """The order of everything else, turned round."""
    return row.occurred_at, row.event_id


def about_claim(row: AuditRow) -> bool:
    """What --claim finds."""
    return row.aggregate_id == CLAIM or json.loads(row.event_payload).get("aggregate_id") == CLAIM


Fits = Callable[[AuditRow], bool]
NOVEMBER = datetime(2025, 11, 1, tzinfo=UTC)
CASES: list[tuple[Typed, Fits, bool]] = [
    (Typed(claim=CLAIM), about_claim, True),
    (
        Typed(aggregate=f"claim/{CLAIM}"),
        lambda it: about_claim(it) and it.aggregate_type == "claim",
        True,
    ),
    (Typed(participant="22222222"), lambda it: it.participant_ispb == "22222222", False),
    (Typed(type_="workflow.step"), lambda it: it.event_subtype == "workflow.step", False),
    (Typed(type_="TIMER_FIRED"), lambda it: it.event_type == "TIMER_FIRED", False),
    (Typed(correlation="asked-3"), lambda it: it.correlation_id == "asked-3", False),
    (Typed(workflow="claim-2"), lambda it: it.workflow_id == "claim-2", False),
    (Typed(event=str(ROWS[7].event_id)), lambda it: it is ROWS[7], False),
    (Typed(since="2025-11-01"), lambda it: it.occurred_at >= NOVEMBER, False),
    (Typed(until="2025-11-01"), lambda it: it.occurred_at < NOVEMBER, False),
    (
        Typed(since=NOON.isoformat(), until=(NOON + timedelta(microseconds=1)).isoformat()),
        lambda it: it.occurred_at == NOON,
        False,
    ),
    (
        Typed(claim=CLAIM, type_="workflow.step", participant="11111111"),
        lambda it: about_claim(it)
        and (it.event_subtype, it.participant_ispb) == ("workflow.step", "11111111"),
        True,
    ),
    (
        Typed(participant="11111111", type_="STARTED", until="2025-12-20"),
        lambda it: (it.participant_ispb, it.event_type) == ("11111111", "STARTED")
        and it.occurred_at < datetime(2025, 12, 20, tzinfo=UTC),
        False,
    ),
]  # fmt: skip


def found_by(fits: Fits, *, sequence: bool) -> list[str]:
    """The ids that should come, in their order."""
    rows = [row for row in ROWS if fits(row)]
    rows = sorted(rows, key=by_sequence) if sequence else sorted(rows, key=newest_first)[::-1]
    return [str(row.event_id) for row in rows]


async def pages(audit: PostgresAuditSearch, criteria: Criteria, size: int) -> list[str]:
    """Every page after the one before it, to the end."""
    ids: list[Any] = []
    while True:
        after = ids[-1] if ids else None
        page = await audit.search(criteria, size, after, datetime.now(UTC))
        if not page:
            return [str(it) for it in ids]
        ids += [row["event_id"] for row in page]


@pytest.mark.parametrize(("typed", "fits", "sequence"), CASES, ids=lambda it: str(it)[:40])
async def test_all_that_fits_in_order_and_page_by_page(
    reader: Database, typed: Typed, fits: Fits, sequence: bool
) -> None:
    wanted = found_by(fits, sequence=sequence)
    assert wanted
    audit, criteria = PostgresAuditSearch(reader), typed.criteria(something=True)
    for size in (1_000, 7, 1):
        assert await pages(audit, criteria, size) == wanted


async def test_page_behind_an_event_before_the_time_is_empty(reader: Database) -> None:
    oldest = min(ROWS, key=newest_first)
    audit = PostgresAuditSearch(reader)
    asked = Criteria(since=oldest.occurred_at + timedelta(seconds=1))
    assert await audit.search(asked, 5, oldest.event_id, datetime.now(UTC)) == []


async def test_pages_of_the_verb(world: World) -> None:
    wanted = found_by(about_claim, sequence=True)
    words = ("audit", "search", "--claim", CLAIM)
    assert [row["event_id"] for row in world.dictctl_json(*words)] == wanted
    first = world.dictctl_json(*words, "--limit", "20")
    rest = world.dictctl_json(*words, "--after", first[-1]["event_id"])
    assert [row["event_id"] for row in (*first, *rest)] == wanted
    assert world.dictctl_json(*words, "--after", wanted[-1]) == []


async def test_rows_are_whole_and_say_how_to_go_on(world: World) -> None:
    (row,) = world.dictctl_json("audit", "search", "--event", str(ROWS[7].event_id))
    for name, value in ROWS[7]._asdict().items():
        assert row[name] == (
            json.loads(value)
            if isinstance(value, bytes)
            else value
            if isinstance(value, int | None)
            else value.isoformat()
            if isinstance(value, datetime)
            else str(value)
        )
    done = world.dictctl("audit", "search", "--claim", CLAIM, "--limit", "2")
    assert "--after" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("search",), 2, "at least one option"),
        (("search", "--type", "claim.creatd"), 2, "claim.created"),
        (("search", "--claim", str(uuid4())), 4, "nothing about claim"),
        (("search", "--participant", "00000000"), 4, "nothing that fits"),
        (("search", "--claim", CLAIM, "--after", str(uuid4())), 4, "holds no event"),
        (("tail", "--lines", "-1"), 2, "--lines"),
        (("export", "--format", "jsonl", "--out", "/x"), 2, "at least one option"),
        (("export", "--format", "csv", "--out", "/x", "--claim", CLAIM), 2, "--format"),
        (("export", "--format", "jsonl", "--out", "/no/such/x", "--claim", CLAIM), 1, "/no/such/x"),
    ],
)  # fmt: skip
async def test_bad_input_is_told_what_to_do(
    world: World, words: tuple[str, ...], code: int, said: str
) -> None:
    done = world.dictctl("audit", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


async def test_export_is_the_same_in_both_formats_and_proves_its_rows(
    world: World, tmp_path: Path
) -> None:
    files = {name: tmp_path / f"all.{name}" for name in ("jsonl", "parquet")}
    told = {
        name: world.dictctl_json(
            "audit", "export", "--from", "2024-01-01", "--format", name, "--out", str(file)
        )
        for name, file in files.items()
    }
    wanted = [str(row.event_id) for row in sorted(ROWS, key=newest_first)]
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    table = pq.read_table(files["parquet"]).to_pylist()
    assert [line["event_id"] for line in lines] == wanted
    assert [row["event_id"] for row in table] == wanted
    assert {it["rows"] for it in told.values()} == {len(ROWS)}
    admin = await world.connect()
    proven = await admin.fetch("SELECT batch_id, month, root FROM audit.batch_parts")
    await admin.close()
    for part in proven:
        batch = sorted(
            (row for row in table if row["batch_id"] == str(part["batch_id"])),
            key=lambda row: row["leaf_no"],
        )
        (root,) = [it.root for it in parts(as_rows(batch)) if it.month == part["month"]]
        assert root == part["root"]


def as_rows(exported: Sequence[dict[str, Any]]) -> list[AuditRow]:
    """Rows as they were before they were exported."""
    return [
        AuditRow(
            **{
                name: row[name]
                for name in AuditRow._fields
                if name not in ("event_id", "event_payload", "metadata")
            },
            event_id=UUID(row["event_id"]),
            event_payload=row["event_payload"].encode(),
            metadata=row["metadata"].encode(),
        )
        for row in exported
    ]


async def test_export_overwrites_only_by_force_and_tells_its_digest(
    world: World, tmp_path: Path
) -> None:
    words = ("audit", "export", "--claim", CLAIM, "--format", "jsonl", "--out")
    first = world.dictctl_json(*words, str(tmp_path / "x"))
    again = world.dictctl(*words, str(tmp_path / "x"))
    assert (again.returncode, "--force" in again.stderr) == (5, True)
    forced = world.dictctl_json(*words, str(tmp_path / "x"), "--force")
    assert forced == first
    assert len(first["sha256"]) == 64


def names_in(folder: Path) -> list[Path]:
    """What stands in a folder, hidden or not."""
    return list(folder.iterdir())


@pytest.mark.parametrize("interrupted", [False, True], ids=["connection cut", "Ctrl-C"])
async def test_export_that_is_broken_off_leaves_no_file(
    world: World, tmp_path: Path, interrupted: bool
) -> None:
    admin, holder = await world.connect(), await world.connect()

    async def waiting() -> list[int]:
        rows = await admin.fetch(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'operator_ro' "
            "AND datname = current_database() AND wait_event_type = 'Lock'"
        )
        return [row["pid"] for row in rows]

    async with holder.transaction():
        await holder.execute("LOCK TABLE audit.workflow_events_2025_12")
        process = await world.start_dictctl(
            *("audit", "export", "--from", "2025-01-01", "--format", "parquet"),
            *("--out", str(tmp_path / "x")),
        )
        (pid,) = await until(waiting, "the export waits")
        assert [it.suffix for it in names_in(tmp_path)] == [".part"]
        if interrupted:
            process.send_signal(signal.SIGINT)
        else:
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
        _out, error = await process.communicate()
    await holder.close()
    await admin.close()
    assert process.returncode == (130 if interrupted else 3), error
    assert names_in(tmp_path) == []


async def test_export_is_of_one_instant_also_while_rows_come_home(
    world: World, reader: Database
) -> None:
    wanted = len(ROWS)
    late = [audit_row(occurred_at=datetime(2024, 5, 1, tzinfo=UTC)) for _ in range(20)]
    seen: list[Any] = []
    async with PostgresAuditSearch(reader).stream(Criteria(participant=None)) as pieces:
        first = await anext(pieces)
        async with audit_writer(world) as writer:
            await writer.write(late)
        rehome = await world.start_dictctl("audit", "partitions", "rehome")
        admin = await world.connect()

        async def waits() -> bool:
            return bool(
                await admin.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'audit_maintainer' "
                    "AND datname = current_database() AND wait_event_type = 'Lock'"
                )
            )

        await until(waits, "rehome waits for the export")
        seen = [row["event_id"] for piece in [first, *[it async for it in pieces]] for row in piece]
        await admin.close()
    assert len(seen) == len(set(seen)) == wanted
    _out, error = await rehome.communicate()
    assert rehome.returncode == 0, error
    after = world.dictctl_json("audit", "search", "--from", "2024-01-01")
    assert {row["event_id"] for row in after} == {str(row.event_id) for row in (*ROWS, *late)}


async def test_view_has_the_seeds_columns(world: World) -> None:
    admin = await world.connect("operator_ro")
    columns = await admin.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'audit.audit_logs'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [tuple(column) for column in columns] == [
        ("id", "uuid"),
        ("correlation_id", "character varying(255)"),
        ("action", "character varying(50)"),
        ("key_value", "character varying(77)"),
        ("cid", "character varying(255)"),
        ("payload", "jsonb"),
        ("created_at", "timestamp with time zone"),
    ]
    await prepare(admin)
    row = await admin.fetchrow("SELECT * FROM audit.audit_logs WHERE id = $1", ROWS[7].event_id)
    assert tuple(row or ()) == (
        *(ROWS[7].event_id, ROWS[7].correlation_id, ROWS[7].event_subtype, None, None),
        *(json.loads(ROWS[7].event_payload), ROWS[7].occurred_at),
    )
    await admin.execute("SET enable_seqscan = off")
    plan = await admin.fetch("EXPLAIN SELECT * FROM audit.audit_logs WHERE correlation_id = 'x'")
    assert "correlation_id_idx" in str(plan)
    assert "Seq Scan" not in str(plan)
    await admin.close()


JULY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Twenty thousand rows over three months."""
    with make_world(stack, Path(tmp_path_factory.mktemp("plans"))) as made:
        connection = await made.connect()
        await fill(connection, Filling(20_000, JULY, datetime(2026, 9, 28, tzinfo=UTC)))
        yield connection
        await connection.close()


@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        (Criteria(claim=CLAIM), "aggregate"),
        (Criteria(aggregate_type="claim", aggregate_id=CLAIM), "aggregate"),
        (Criteria(correlation="x"), "correlation_id"),
        (Criteria(workflow="x"), "workflow_id"),
        (Criteria(event=uuid4()), "event_id_participant"),
        (Criteria(participant="12345678"), "event_id_participant"),
        (Criteria(subtype="claim.failed"), "event_id_participant"),
        (Criteria(event_type="FAILED"), "event_id_participant"),
        (Criteria(since=JULY + timedelta(days=40), until=JULY + timedelta(days=41)), "occurred_at"),
    ],
    ids=str,
)  # fmt: skip
async def test_every_search_finds_an_index_and_the_months_of_its_time(
    filled: "asyncpg.Connection[Any]", criteria: Criteria, index: str
) -> None:
    plan = await plan_of(filled, criteria)
    assert "Seq Scan" not in plan.nodes
    assert any(index in name for name in plan.indexes)
    august = Criteria.within(
        criteria, datetime(2026, 8, 3, tzinfo=UTC), datetime(2026, 8, 4, tzinfo=UTC)
    )
    pruned = await plan_of(filled, august)
    assert pruned.tables == {f"workflow_events_{date(2026, 8, 1):%Y_%m}"}
    assert "Seq Scan" not in pruned.nodes
