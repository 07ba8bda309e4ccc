"""The status of a claim for whoever asks often: from the cache, else from the database."""

from typing import Any
from uuid import UUID

from claim_orchestrator.application.claim_console import ClaimReader
from claim_orchestrator.application.claim_records import Recorded, Transition
from dict_common.ports.cache import Cache, CachedResponse, CacheKey, get_response, set_response

CLAIM_SECONDS = 60.0
WORKFLOW_SECONDS = 30.0
"""Lives of the seeds' keys `dict:claim:{id}:status` and `workflow:claim:{workflow_id}:status`."""


class RememberStatus:
    """After a change: the newest status for claim and workflow. Costs speed only when it fails."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def __call__(self, transition: Transition, recorded: Recorded) -> None:
        """Never raises for trouble of the cache."""
        row = recorded.row
        claim_id = transition.process.claim_id
        response = CachedResponse(
            False,
            {
                "claim_id": str(claim_id),
                "status": row.status,
                "dict_status": row.shown.status if row.shown else None,
                "version": row.version,
            },
        )
        await set_response(self._cache, claim_key(claim_id), response, CLAIM_SECONDS)
        key = CacheKey.of("workflow", "claim", transition.by.id, "status")
        await set_response(self._cache, key, response, WORKFLOW_SECONDS)


class ClaimStatus:
    """Reads, and remembers what it read."""

    def __init__(self, cache: Cache, reader: ClaimReader) -> None:
        self._cache = cache
        self._reader = reader

    async def __call__(self, claim_id: UUID) -> dict[str, Any] | None:
        """claim_id, status, dict_status, version; None for no claim of ours. Raises Unavailable."""
        key = claim_key(claim_id)
        cached = await get_response(self._cache, key)
        if cached is not None and not cached.is_error and isinstance(cached.content, dict):
            return cached.content
        rows = await self._reader.find(claim_id)
        if not rows:
            return None
        row = rows[0]
        content = {
            "claim_id": str(row["claim_id"]),
            "status": row["status"],
            "dict_status": row["dict_status"],
            "version": row["version"],
        }
        if row["claim_id"] == claim_id:
            await set_response(self._cache, key, CachedResponse(False, content), CLAIM_SECONDS)
        return content


def claim_key(claim_id: UUID) -> CacheKey:
    """`dict:claim:{claim_id}:status`."""
    return CacheKey.of("dict", "claim", claim_id, "status")
