"""Corrections over PostgreSQL: an entry and its discrepancy in one transaction."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from dict_common.store.database import Database, timed_fetch
from dict_common.store.queries import load_queries
from vsync.adapters.postgres_entry_store import change, cid_is_taken
from vsync.application.ports import Decide
from vsync.application.sync_ports import FoundDiscrepancy
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.sync_run import Rung

_QUERIES = load_queries("vsync.adapters", "findings")
BATCH_ROWS = 500
OPEN, GONE = "OPEN", "GONE"


class PostgresCorrections:
    """Repairs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self, run_id: UUID, rung: Rung, of: DiscrepancyType
    ) -> AsyncIterator[Sequence[FoundDiscrepancy]]:
        """By their numbers; each is given once, whatever becomes of it."""
        number = 0
        while True:
            arguments = (run_id, int(rung), of, number, BATCH_ROWS)
            rows = await self._database.fetch(_QUERIES["discrepancies_open"], arguments)
            if not rows:
                return
            number = rows[-1]["number"]
            yield [FoundDiscrepancy(**dict(row) | {"type": of}) for row in rows]

    async def correct(
        self,
        run_id: UUID,
        rung: Rung,
        item: FoundDiscrepancy,
        key_hash: str | None,
        decide: Decide,
    ) -> str:
        """One transaction; the outcome is the discrepancy's state."""
        key = (run_id, int(rung), item.number)
        try:
            async with self._database.transaction() as connection:
                (row,) = await timed_fetch(connection, _QUERIES["discrepancy_claim"], key)
                if row["state"] != OPEN:
                    return str(row["state"])
                state = await change(connection, item.entry_id, key_hash, run_id, decide)
                await timed_fetch(connection, _QUERIES["discrepancy_settle"], (*key, state, None))
            return state
        except asyncpg.UniqueViolationError as error:
            if not cid_is_taken(error):
                raise
        # Another key of the set has this CID: it is in the VSync, whoever has it.
        await self._database.fetch(_QUERIES["discrepancy_settle"], (*key, GONE, None))
        return GONE

    async def forget_versions(self, kept: timedelta, rows_max: int) -> None:
        """What stood on both sides of old discrepancies, sealed."""
        await self._database.fetch(_QUERIES["versions_forget"], (kept, rows_max))

    async def settled(
        self, run_id: UUID, rung: Rung, number: int, state: str, reason_code: str | None
    ) -> None:
        """Without a change of the entry: GONE, or FAILED with its reason."""
        arguments = (run_id, int(rung), number, state, reason_code)
        await self._database.fetch(_QUERIES["discrepancy_settle"], arguments)
