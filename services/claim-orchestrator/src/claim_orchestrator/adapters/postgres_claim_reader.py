"""ClaimReader over PostgreSQL."""

from typing import Any
from uuid import UUID

from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.application.claim_process import (
    expire_id,
    monitor_id,
    resolution_id,
    workflow_id,
)
from claim_orchestrator.application.ports import KeptClaim
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")

Row = dict[str, Any]


class PostgresClaimReader:
    """Reads as the role that the database was opened with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, status: str | None, held: bool, after: UUID | None, limit: int
    ) -> list[Row]:
        """The newest claims first; `held`: only those with an error that waits."""
        return await self._rows("claim_list", status, held, after, limit)

    async def find(self, claim_id: UUID) -> list[Row]:
        """One row for each of our roles."""
        return await self._rows("claim_get", claim_id)

    async def timeline(self, claim_id: UUID) -> list[Row]:
        """Events by sequence, then refused commands, then what operators did."""
        queries = ("claim_timeline", "claim_rejections", "claim_operator_acts")
        return [row for query in queries for row in await self._rows(query, str(claim_id))]

    async def bridge_calls(self, claim_id: UUID) -> list[Row]:
        """Calls to the Bridge by the claim's workflows, oldest first."""
        ids = [name(claim_id) for name in (workflow_id, monitor_id, expire_id, resolution_id)]
        return await self._rows("claim_bridge_calls", ids)

    async def load(self, claim_id: UUID) -> KeptClaim:
        """The claim by our id. Raises ClaimUnknown."""
        return await PostgresClaimStore(self._database).load(claim_id)

    async def _rows(self, query: str, *arguments: object) -> list[Row]:
        return [dict(row) for row in await self._database.fetch(_QUERIES[query], arguments)]
