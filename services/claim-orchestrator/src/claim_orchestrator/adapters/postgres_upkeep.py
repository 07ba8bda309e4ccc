"""UpkeepStore over PostgreSQL."""

from datetime import timedelta

from claim_orchestrator.application.upkeep import ClaimCounts
from dict_common.ports.directory import RequestLedger
from dict_common.store import inbox
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")

ROWS_MAX = 1_000
INBOX_KEPT = timedelta(days=60)
"""Twice the time that a command stays on its topic."""


class PostgresUpkeep:
    """Counts and purges."""

    def __init__(self, database: Database, ledger: RequestLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def counts(self) -> ClaimCounts:
        """The claims that run."""
        row = await self._database.fetch_row(_QUERIES["claim_counts"])
        assert row is not None
        return ClaimCounts(row["running"], row["overdue"], row["held"])

    async def purge(self) -> int:
        """One bite of each."""
        calls = await self._ledger.purge(ROWS_MAX)
        async with self._database.connection() as connection:
            return calls + await inbox.purge(connection, INBOX_KEPT, ROWS_MAX)
