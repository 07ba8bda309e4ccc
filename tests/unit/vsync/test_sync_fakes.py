"""The fakes of a run's ports pass the exam of the adapters."""

from uuid import UUID

from dict_common.kernel.clock import SystemClock
from tests.support.entry_fakes import InMemoryEntries
from tests.support.sync_fakes import InMemoryCorrections, InMemoryFindings, InMemoryRuns
from tests.support.sync_store_suite import Stores, SyncStoreSuite


class TestInMemorySync(SyncStoreSuite):
    """Over one memory."""

    async def stores(self) -> Stores:
        """Empty."""
        self._entries = InMemoryEntries()
        runs = InMemoryRuns(self._entries, SystemClock())
        findings = InMemoryFindings(self._entries, runs)
        return Stores(self._entries, runs, findings, InMemoryCorrections(self._entries, findings))

    async def told_of(self, aggregate_id: UUID) -> int:
        """Of the events that were written."""
        return sum(it.key == str(aggregate_id) for it in self._entries.events)
