"""The real adapters pass the same exams as their fakes."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.ports.directory import RequestLedger
from dict_common.ports.sealing import SubjectKeyStore
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.store.database import Database, PoolSize
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.store.queries import Query
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from dict_common.testing.ledger import LedgerRow, RequestLedgerSuite
from dict_common.testing.subject_keys import SubjectKeyStoreSuite
from tests.support.world import World, make_world

ROLE = "claim_orchestrator"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, Database]]:
    """A world and a pool in it."""
    monkeypatch = pytest.MonkeyPatch()
    with make_world(stack, Path(tmp_path_factory.mktemp("store"))) as world:
        monkeypatch.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        database = await Database.open(world.environment["DICT_POSTGRES_URL"], ROLE, PoolSize(1, 3))
        yield world, database
        await database.close()
        monkeypatch.undo()


class TestPostgresRequestLedger(RequestLedgerSuite):
    """connect.bridge_requests."""

    @pytest.fixture(autouse=True)
    def _opened(self, opened: tuple[World, Database]) -> None:
        self._world, self._database = opened

    async def ledger(self) -> RequestLedger:
        """Over PostgreSQL."""
        keysets = KeysetFolder(Path(self._world.environment["DICT_KEYS_DIR"]))
        sealer = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
        return PostgresRequestLedger(self._database, sealer)

    async def row(self, request_id: str) -> LedgerRow:
        """As it stands in the table, and sealed there."""
        query = Query("row", "SELECT * FROM connect.bridge_requests WHERE request_id = $1")
        row = await self._database.fetch_row(query, (request_id,))
        assert row is not None
        assert set(row["request_payload"]) == {"sealed"}
        return LedgerRow(
            row["operation_type"],
            row["attempt_count"],
            row["status"],
            row["response_status_code"],
            row["error_code"],
        )


class TestPostgresSubjectKeyStore(SubjectKeyStoreSuite):
    """connect.subject_keys."""

    @pytest.fixture(autouse=True)
    def _opened(self, opened: tuple[World, Database]) -> None:
        self._world, self._database = opened

    async def store(self) -> SubjectKeyStore:
        """Over PostgreSQL."""
        return PostgresSubjectKeyStore(self._database)

    async def destroy(self, key_id: UUID) -> None:
        """As erasure will."""
        admin = await self._world.connect()
        await admin.execute(
            "UPDATE connect.subject_keys SET tax_id_hash = NULL, wrapped_dek = NULL, "
            "destroyed_at = now() WHERE key_id = $1",
            key_id,
        )
        await admin.close()
