"""audit-write: the sink's way into the table against COPY, and against what others do.

Same rows (UUIDv7), same server; each way gets an empty table, in turns. COPY, INSERT
and the sink write into audit.workflow_events with its partitions and indexes; what needs a unique
key on event_id (UPSERT, ON CONFLICT) writes into an unpartitioned table with the same columns and
indexes.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from benchmarks.audit_events import BenchEvent, events
from benchmarks.audit_jdbc import DEFAULT, IDEMPOTENT, Loop, jdbc_seconds
from benchmarks.audit_paths import (
    UNIQUE,
    Batch,
    Pool,
    Way,
    WithoutEvidence,
    executemany,
    plain_copy,
    plain_copy_records,
    sink_database,
    store_way,
    unnest,
    write_all,
)
from benchmarks.figures import Figure, Report, at_least, middle
from benchmarks.ground import ground
from dict_common.bus.incoming import Incoming
from dict_common.bus.schemas import Received
from dict_common.kernel.clock import SystemClock
from dict_common.store.database import Database
from tests.support.world import World

BATCH_ROWS = 2_000
WARM_ROWS = 10_000
TABLES = "audit.workflow_events, audit.event_ids, audit.batches, audit.batch_parts"
Rates = dict[str, float]


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)


def measure(given: argparse.Namespace) -> Report:
    """Rounds in turns; ratios within a round, then the median."""
    with ground() as world:
        rounds = asyncio.run(_rounds(world, given.rows, given.rounds))

    def ratio(name: str, against: str) -> float:
        return middle([it[name] / it[against] for it in rounds])

    rates = [Figure(name, middle([it[name] for it in rounds]), "rows/s") for name in rounds[0]]
    copy, path = "COPY", "sink's path"
    return Report(
        "audit-write",
        (
            *rates,
            at_least(
                "path, roots off / COPY, 1 connection",
                ratio(f"{path}, roots off, 1", f"{copy}, 1"),
                "x",
                0.8,
            ),
            at_least(
                "path, roots off / COPY, 2 connections",
                ratio(f"{path}, roots off, 2", f"{copy}, 2"),
                "x",
                0.8,
            ),
            at_least(
                "roots on / off, 2 connections",
                ratio(f"{path}, 2", f"{path}, roots off, 2"),
                "x",
                0.8,
            ),
            at_least("path / JDBC UPSERT + batch", ratio(f"{path}, 2", IDEMPOTENT.name), "x", 1.7),
            at_least("path / JDBC default", ratio(f"{path}, 2", DEFAULT.name), "x", 2.3),
            Figure("path / executemany", ratio(f"{path}, 2", "executemany, ON CONFLICT"), "x"),
            Figure("path / unnest", ratio(f"{path}, 2", "unnest, ON CONFLICT"), "x"),
            at_least(
                "duplicates: path / unnest ON CONFLICT",
                ratio("duplicates: path, 1", "duplicates: unnest, 1"),
                "x",
                4.5,
            ),
        ),
        (f"{given.rows} rows a round, {BATCH_ROWS} a batch, medians of {given.rounds} rounds",),
    )


@dataclass(frozen=True)
class Bench:
    """Two roles' connections to one database."""

    world: World
    sink: Database
    owner: Pool

    async def empty(self) -> None:
        """As before the first row; no checkpoint of what was before falls into the next way."""
        async with self.owner.acquire() as connection:
            await connection.execute(f"TRUNCATE {TABLES}, {UNIQUE}")
            await connection.execute("CHECKPOINT")

    async def rate(self, way: Way, batches: Sequence[Batch], at_once: int) -> float:
        """Rows a second."""
        began = time.perf_counter()
        await write_all(self.owner, way, batches, at_once)
        return sum(len(batch) for batch in batches) / (time.perf_counter() - began)

    async def jdbc(self, loop: Loop, table: str, rows: int) -> float:
        """Rows a second after Java is warm."""
        batches = await candidates(rows + WARM_ROWS)
        await self.empty()
        seconds = await asyncio.to_thread(
            jdbc_seconds, self.world.environment, loop, table, batches, WARM_ROWS
        )
        return rows / seconds


@asynccontextmanager
async def open_bench(world: World) -> AsyncIterator[Bench]:
    """Its tables are there, and the month's."""
    url = world.environment["DICT_POSTGRES_URL"]
    async with (
        sink_database(world.environment) as sink,
        asyncpg.create_pool(url, user="postgres", min_size=2, max_size=2) as owner,
    ):
        async with owner.acquire() as connection:
            await connection.execute("SELECT audit.ensure_partition(now()::date)")
            await connection.execute(
                f"CREATE TABLE {UNIQUE} (LIKE audit.workflow_events INCLUDING ALL, "
                "UNIQUE (event_id))"
            )
        yield Bench(world, sink, owner)


async def _rounds(world: World, rows: int, rounds: int) -> list[Rates]:
    async with open_bench(world) as bench:
        return [await _round(bench, rows) for _ in range(rounds)]


async def _round(bench: Bench, rows: int) -> Rates:
    rates: Rates = {}
    batches = await candidates(rows)
    for at_once in (1, 2):
        ways = {
            f"COPY, {at_once}": plain_copy,
            f"COPY of the client's values, {at_once}": plain_copy_records,
            f"sink's path, roots off, {at_once}": store_way(WithoutEvidence(bench.sink)),
            f"sink's path, {at_once}": store_way(PostgresAuditStore(bench.sink)),
        }
        for name, way in ways.items():
            await bench.empty()
            rates[name] = await bench.rate(way, batches, at_once)
    # The table is full of `batches`: they come again.
    rates["duplicates: path, 1"] = await bench.rate(
        store_way(PostgresAuditStore(bench.sink)), batches, 1
    )
    for name, way in (("executemany, ON CONFLICT", executemany), ("unnest, ON CONFLICT", unnest)):
        await bench.empty()
        rates[name] = await bench.rate(way, batches, 2)
    rates["duplicates: unnest, 1"] = await bench.rate(unnest, batches, 1)
    rates[DEFAULT.name] = await bench.jdbc(DEFAULT, "audit.workflow_events", rows)
    rates[IDEMPOTENT.name] = await bench.jdbc(IDEMPOTENT, UNIQUE, rows)
    return rates


async def candidates(count: int) -> list[Batch]:
    """Decoded batches of new events."""
    decoder = EventDecoder(_OneVersion(), SystemClock())
    messages = [_message(event) for event in events(count)]
    return [
        (await decoder.decode(messages[first : first + BATCH_ROWS])).candidates
        for first in range(0, count, BATCH_ROWS)
    ]


class _OneVersion(Received):
    """No broker is asked here."""

    async def writer_version(self, _topic: str, _name: str, _broker_version: int) -> int:
        """The first."""
        return 1


def _message(event: BenchEvent) -> Incoming:
    return Incoming(
        topic=f"persistent://dict/events/{event.name}",
        partition=1,
        message_id="1024:2048:1:-1",
        key=event.envelope.subject,
        properties=event.envelope.to_properties(),
        body=event.body,
        published_at=datetime.now(UTC),
        redelivery_count=0,
        schema_version=0,
        message=None,
    )
