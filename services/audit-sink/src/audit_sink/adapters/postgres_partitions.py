"""Months of the audit in PostgreSQL, through functions that run as the tables' owner."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date

import asyncpg

from audit_sink.application.partitions import Hindrance, NotChanged, Partition
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

QUERIES = load_queries("audit_sink.adapters", "partitions")

_HINDRANCES: tuple[tuple[type[asyncpg.PostgresError], Hindrance], ...] = (
    (asyncpg.LockNotAvailableError, Hindrance.LOCKED),
    (asyncpg.DeadlockDetectedError, Hindrance.LOCKED),
    (asyncpg.CheckViolationError, Hindrance.DEFAULT_HOLDS_ROWS),
    (asyncpg.ObjectNotInPrerequisiteStateError, Hindrance.DETACHED),
    (asyncpg.SyntaxOrAccessError, Hindrance.REFUSED),
)
"""LockNotAvailable is a kind of ObjectNotInPrerequisiteState: the first that fits counts."""


@asynccontextmanager
async def not_changed() -> AsyncIterator[None]:
    """Turns what PostgreSQL says of a partition into NotChanged; a lost connection passes."""
    try:
        yield
    except tuple(kind for kind, _ in _HINDRANCES) as error:
        hindrance = next(it for kind, it in _HINDRANCES if isinstance(error, kind))
        raise NotChanged(hindrance, str(error)) from error


class PostgresPartitions:
    """For the sink and for `dictctl audit partitions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def months(self) -> frozenset[date]:
        """The months that have a partition of their own."""
        return frozenset(it.month for it in await self.partitions() if it.attached)

    async def partitions(self) -> Sequence[Partition]:
        """Every month's table, the oldest first, detached ones too."""
        rows = await self._database.fetch(QUERIES["partitions"])
        return tuple(Partition(**dict(row)) for row in rows)

    async def ensure(self, month: date) -> bool:
        """Makes the month; gives up after three seconds of waiting for a lock."""
        async with self._database.connection() as connection, not_changed():
            made: bool = await connection.fetchval(QUERIES["ensure_partition"].sql, month)
        return made

    async def default_rows(self) -> dict[date, int]:
        """Rows in DEFAULT by month."""
        rows = await self._database.fetch(QUERIES["default_rows"])
        return {row["month"]: row["rows"] for row in rows}
