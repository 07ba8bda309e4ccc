"""Homecoming in PostgreSQL: one connection as the maintainer, one transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from audit_sink.adapters.postgres_partitions import QUERIES, not_changed
from audit_sink.adapters.stored_rows import row_of
from audit_sink.application.partitions import Hindrance, NotChanged, StrayPart
from audit_sink.domain.audit_row import AuditRow
from dict_common.store.database import open_connection
from dict_common.store.errors import unavailable_when_away
from dict_common.store.queries import Query

STATEMENT_SECONDS_MAX = 900.0
"""A count of a DEFAULT with tens of millions of rows."""

_COPIED = QUERIES["rehome_copied"].sql.replace(":columns", ", ".join(AuditRow._fields))


class PostgresHomecoming:
    """Steps inside the transaction of `homecoming`."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection

    async def begin(self, months: Sequence[date]) -> None:
        """Makes the months and a new DEFAULT, still apart."""
        await self._fetch(QUERIES["rehome_begin"], list(months))

    async def chain_head(self) -> int:
        """The last committed batch's chain number."""
        ((head,),) = await self._fetch(QUERIES["rehome_chain_head"])
        return int(head)

    async def parts(self, after: int, last: int) -> Sequence[StrayPart]:
        """What DEFAULT holds of that part of the chain."""
        rows = await self._fetch(QUERIES["rehome_parts"], after, last)
        return tuple(StrayPart(**dict(row)) for row in rows)

    async def copy(self, batch_ids: Sequence[UUID]) -> int:
        """Copies these batches' rows."""
        ((rows,),) = await self._fetch(QUERIES["rehome_copy"], list(batch_ids))
        return int(rows)

    async def copied(self, batch_ids: Sequence[UUID]) -> dict[UUID, list[AuditRow]]:
        """The copies in leaf_no order."""
        found: dict[UUID, list[AuditRow]] = {batch_id: [] for batch_id in batch_ids}
        for row in await self._fetch(Query("rehome_copied", _COPIED), list(batch_ids)):
            found[row["batch_id"]].append(row_of(dict(row)))
        return found

    async def lock(self) -> bool:
        """A savepoint keeps what was copied when the lock is not given."""
        try:
            async with self._connection.transaction():
                await self._fetch(QUERIES["rehome_lock"])
        except NotChanged as problem:
            if problem.hindrance is Hindrance.LOCKED:
                return False
            raise
        return True

    async def swap(self) -> int:
        """The new tables take the old one's place."""
        ((rows,),) = await self._fetch(QUERIES["rehome_swap"])
        return int(rows)

    async def _fetch(self, query: Query, *arguments: object) -> "list[asyncpg.Record]":
        async with not_changed():
            return await self._connection.fetch(
                query.sql, *arguments, timeout=STATEMENT_SECONDS_MAX
            )


@asynccontextmanager
async def homecoming(url: str, role: str) -> AsyncIterator[PostgresHomecoming]:
    """One transaction, undone by any error; a kill at any step leaves what was before.

    Raises Unavailable, NotChanged.
    """
    connection = await open_connection(url, role)
    try:
        async with unavailable_when_away("bring rows home"), connection.transaction():
            yield PostgresHomecoming(connection)
    finally:
        await connection.close()
