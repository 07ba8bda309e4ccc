"""Searches in audit.workflow_events, as a role that may only read."""

from typing import Any

from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("audit_sink.adapters", "search")


class PostgresAuditSearch:
    """Called with an aggregate's id; answers rows of plain values."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, claim_id: str, limit: int) -> list[dict[str, Any]]:
        """The claim's events by sequence, then refused commands. Raises Unavailable."""
        rows = await self._database.fetch(_QUERIES["search"], (claim_id, limit))
        return [dict(row) for row in rows]
