"""The fakes pass the same exams as the real adapters."""

from uuid import UUID

from dict_common.ports.directory import Directory, RequestLedger
from dict_common.ports.sealing import SubjectKeyStore
from dict_common.testing.clock import CountingIds, FixedClock
from dict_common.testing.directory import InMemoryDirectory
from dict_common.testing.directory_suite import DirectorySuite
from dict_common.testing.ledger import InMemoryRequestLedger, LedgerRow, RequestLedgerSuite
from dict_common.testing.subject_keys import InMemorySubjectKeyStore, SubjectKeyStoreSuite


class TestInMemoryRequestLedger(RequestLedgerSuite):
    """The ledger's fake."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._ledger = InMemoryRequestLedger()

    async def ledger(self) -> RequestLedger:
        """The fake."""
        return self._ledger

    async def row(self, request_id: str) -> LedgerRow:
        """Its row."""
        return self._ledger.rows[request_id]


class TestInMemoryDirectory(DirectorySuite):
    """DICT's fake."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._directory = InMemoryDirectory(FixedClock(), CountingIds())

    async def directory(self) -> Directory:
        """The fake."""
        return self._directory

    async def confirm(self, claim_id: UUID) -> None:
        """As the donor would."""
        self._directory.act(claim_id, "CONFIRMED", confirm_reason="USER_REQUESTED")


class TestInMemorySubjectKeyStore(SubjectKeyStoreSuite):
    """The key store's fake."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._store = InMemorySubjectKeyStore()

    async def store(self) -> SubjectKeyStore:
        """The fake."""
        return self._store

    async def destroy(self, key_id: UUID) -> None:
        """Erases."""
        self._store.destroy(key_id)
