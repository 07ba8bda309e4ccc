"""What has to be looked after from time to time: orphaned decisions, rows that outlived their
policy, claims that are overdue or held. Every consumer may do it; nothing is done twice.
"""

from dataclasses import dataclass
from typing import Protocol

from claim_orchestrator.application.orphan_decisions import OrphanDecisions

BITES_MAX = 100
"""In one turn: the next one follows in a minute."""


@dataclass(frozen=True)
class ClaimCounts:
    """Claims RUNNING: all, past their deadline, and with an error that waits for somebody."""

    running: int
    overdue: int
    held: int


class UpkeepStore(Protocol):
    """Raises Unavailable."""

    async def counts(self) -> ClaimCounts:
        """The claims that run."""

    async def purge(self) -> int:
        """Removes one bite of Bridge calls and inbox rows past their time; answers how many."""


class Upkeep:
    """Each step may be repeated at any time. Raises Unavailable."""

    def __init__(self, orphans: OrphanDecisions, store: UpkeepStore) -> None:
        self._orphans = orphans
        self._store = store

    async def look(self) -> ClaimCounts:
        """Refuses orphaned decisions, counts claims."""
        await self._orphans()
        return await self._store.counts()

    async def purge(self) -> int:
        """Removes what has outlived its policy, bite by bite; answers how many rows."""
        removed = 0
        for _ in range(BITES_MAX):
            bite = await self._store.purge()
            removed += bite
            if not bite:
                break
        return removed
