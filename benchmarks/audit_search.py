"""audit-search: how long each kind of search takes in an audit of so many rows, and by which plan.

Rows lie evenly over six months, in months with a table each. No target: figures to compare by.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from audit_sink.adapters.postgres_audit_search import PostgresAuditSearch
from audit_sink.domain.criteria import Criteria
from benchmarks.figures import Figure, Report, middle
from benchmarks.ground import ground
from dict_common.store.database import Database, PoolSize
from tests.support.audit_filler import RARE_PARTICIPANT, Filling, fill
from tests.support.audit_plans import LIMIT, plan_of
from tests.support.world import World

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 7, 1, tzinfo=UTC) - timedelta(seconds=1)
MIDDLE = datetime(2026, 4, 10, tzinfo=UTC)
ROWS_MAX = 10_000_000
EXPORT_DAYS = 1
INDEXES = """
SELECT regexp_replace(parent.relname, '^idx_workflow_events_', '') AS name,
       sum(pg_relation_size(child.oid))::float8 AS bytes
FROM pg_class AS parent
JOIN pg_inherits ON inhparent = parent.oid
JOIN pg_class AS child ON child.oid = inhrelid
WHERE parent.relkind = 'I' AND parent.relname LIKE 'idx_workflow_events_%'
GROUP BY 1 ORDER BY 1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rows", type=int, default=1_000_000, help=f"{ROWS_MAX:,} at most")
    parser.add_argument("--rounds", type=int, default=5, help="searches of each kind")


def measure(given: argparse.Namespace) -> Report:
    """Fills an audit of its own, then searches. Raises ValueError for too many rows."""
    if not 0 < given.rows <= ROWS_MAX:
        raise ValueError(f"--rows: from 1 to {ROWS_MAX:,}")
    with ground() as world:
        figures, notes = asyncio.run(_measured(world, given.rows, given.rounds))
    return Report("audit-search", figures, notes)


async def _measured(
    world: World, rows: int, rounds: int
) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    admin = await world.connect()
    await fill(admin, Filling(rows, SINCE, UNTIL))
    database = await Database.open(
        world.environment["DICT_POSTGRES_URL"], "operator_ro", PoolSize(1, 1)
    )
    figures, notes = (
        [],
        [
            f"{rows:,} rows over six months, {LIMIT} at most asked for, median of "
            f"{rounds}; the plan is that of all its time at once"
        ],
    )
    try:
        audit = PostgresAuditSearch(database)
        for name, criteria in (await _kinds(admin)).items():
            times, found = await _timed(audit, criteria, rounds)
            figures.append(Figure(name, middle(times) * 1_000, "ms"))
            notes.append(f"{name}: {found} rows, {await _plan(admin, criteria)}")
        figures.append(Figure("export, a day", await _export(audit), "rows/s"))
    finally:
        await database.close()
    figures += [
        Figure(f"index {row['name']}", row["bytes"] / rows, "bytes/row")
        for row in await admin.fetch(INDEXES)
    ]
    await admin.close()
    return tuple(figures), tuple(notes)


async def _kinds(admin: "asyncpg.Connection[Any]") -> Mapping[str, Criteria]:
    """What is searched for: a row of the middle of the time, common and rare values, nothing."""
    one = await admin.fetchrow(
        "SELECT event_id, aggregate_id, correlation_id, workflow_id FROM audit.workflow_events "
        "WHERE occurred_at >= $1 AND aggregate_type = 'claim' ORDER BY occurred_at LIMIT 1",
        MIDDLE,
    )
    assert one is not None, "the filler left no claim behind the middle"
    end_of_day = MIDDLE + timedelta(days=1)
    common = "11111115"
    return {
        "claim": Criteria(claim=one["aggregate_id"]),
        "aggregate": Criteria(aggregate_type="claim", aggregate_id=one["aggregate_id"]),
        "correlation": Criteria(correlation=one["correlation_id"]),
        "workflow": Criteria(workflow=one["workflow_id"]),
        "event": Criteria(event=one["event_id"]),
        "participant": Criteria(participant=common),
        "participant, rare": Criteria(participant=RARE_PARTICIPANT),
        "participant, none": Criteria(participant="00000000"),
        "type": Criteria(subtype="claim.created"),
        "type, rare": Criteria(subtype="claim.failed"),
        "participant and type": Criteria(participant=common, subtype="claim.confirmed"),
        "participant, a day": Criteria(participant=common, since=MIDDLE, until=end_of_day),
        "time, from a day on": Criteria(since=MIDDLE),
        "time, a day": Criteria(since=MIDDLE, until=end_of_day),
    }


async def _timed(
    audit: PostgresAuditSearch, criteria: Criteria, rounds: int
) -> tuple[list[float], int]:
    times, found = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        found = len(await audit.search(criteria, LIMIT, None, UNTIL))
        times.append(time.perf_counter() - began)
    return times, found


async def _plan(admin: "asyncpg.Connection[Any]", criteria: Criteria) -> str:
    plan = await plan_of(admin, criteria)
    return f"{plan.nodes} of {len(plan.tables)} tables"


async def _export(audit: PostgresAuditSearch) -> float:
    """Read and thrown away: the file's own cost is beside it."""
    began, rows = time.perf_counter(), 0
    part = Criteria(since=MIDDLE, until=MIDDLE + timedelta(days=EXPORT_DAYS))
    async with audit.stream(part) as pieces:
        async for piece in pieces:
            rows += len(piece)
    return rows / (time.perf_counter() - began)
