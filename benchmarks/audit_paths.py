"""Ways of writing the same rows into the same table; each is given batches and writes them all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from audit_sink.adapters.copy_rows import copied, stream
from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.adapters.stored_rows import COLUMNS
from audit_sink.application.ports import Candidate
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import Columns, framed_columns
from dict_common.kernel.ids import new_id
from dict_common.store.database import Connection, Database, PoolSize

Batch = Sequence[Candidate]
Pool: TypeAlias = "asyncpg.Pool[Any]"
Way = Callable[[Pool, Batch], Awaitable[None]]


@asynccontextmanager
async def sink_database(environment: dict[str, str]) -> AsyncIterator[Database]:
    """As many connections as the sink has batches at PostgreSQL."""
    database = await Database.open(environment["DICT_POSTGRES_URL"], "audit_sink", PoolSize(2, 2))
    try:
        yield database
    finally:
        await database.close()


async def write_all(pool: Pool, way: Way, batches: Sequence[Batch], at_once: int) -> None:
    """Every batch, so many at once."""
    waiting: Iterator[Batch] = iter(batches)

    async def writer() -> None:
        for batch in waiting:
            await way(pool, batch)

    await asyncio.gather(*(writer() for _ in range(at_once)))


async def plain_copy(pool: Pool, batch: Batch) -> None:
    """The limit: the same rows in the same encoding, and nothing else."""
    rows = [it.row for it in batch]
    columns = [framed_columns(row) for row in rows]
    async with pool.acquire() as connection, connection.transaction():
        await _copy(connection, rows, columns)


async def plain_copy_records(pool: Pool, batch: Batch) -> None:
    """The client's own COPY of Python values."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.copy_records_to_table(
            "workflow_events", schema_name="audit", columns=COLUMNS, records=_rows(batch)
        )


async def _copy(
    connection: Connection, rows: Sequence[AuditRow], columns: Sequence[Columns]
) -> None:
    await connection.copy_to_table(
        "workflow_events",
        schema_name="audit",
        columns=COLUMNS,
        source=stream(copied(rows, columns, new_id())),
        format="binary",
    )


def values(row: AuditRow, batch_id: UUID, leaf_no: int) -> tuple[Any, ...]:
    """As statements take them; JSON as text."""
    return (
        *row[:6],
        row.event_payload.decode(),
        *row[7:10],
        row.metadata.decode(),
        *row[11:],
        batch_id,
        leaf_no,
    )


class WithoutEvidence(PostgresAuditStore):
    """Gate and rows, no roots and no chain: for the ratio on / off."""

    async def _prove(self, *_: object) -> None:
        return


def store_way(store: PostgresAuditStore) -> Way:
    """The sink's own store."""

    async def way(_: Pool, batch: Batch) -> None:
        written = await store.write(new_id(), batch)
        assert not written.reused

    return way


async def executemany(pool: Pool, batch: Batch) -> None:
    """One prepared statement, the client's executemany."""
    marks = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
    await _unique(
        pool, lambda it: it.executemany(f"{_INTO} VALUES ({marks}) {_SKIP}", _rows(batch))
    )


async def unnest(pool: Pool, batch: Batch) -> None:
    """One statement over arrays."""
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES, start=1))
    statement = f"{_INTO} SELECT * FROM unnest({arrays}) {_SKIP}"  # noqa: S608 our own names
    columns = list(zip(*_rows(batch), strict=True))
    await _unique(pool, lambda it: it.execute(statement, *columns))


UNIQUE = "audit.bench_unique"
"""The same columns and indexes, no partitions, and a unique key on event_id."""
_INTO = f"INSERT INTO {UNIQUE} ({', '.join(COLUMNS)})"
_SKIP = "ON CONFLICT (event_id) DO NOTHING"
_OTHER_TYPES = {
    "event_id": "uuid",
    "workflow_run_id": "uuid",
    "event_payload": "jsonb",
    "user_id": "uuid",
    "occurred_at": "timestamptz",
    "metadata": "jsonb",
    "aggregate_sequence": "bigint",
    "batch_id": "uuid",
    "leaf_no": "int",
}
_TYPES = tuple(_OTHER_TYPES.get(name, "text") for name in COLUMNS)


def _rows(batch: Batch) -> list[tuple[Any, ...]]:
    batch_id = new_id()
    return [values(it.row, batch_id, number) for number, it in enumerate(batch)]


async def _unique(pool: Pool, write: Callable[[Connection], Awaitable[object]]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await write(connection)
