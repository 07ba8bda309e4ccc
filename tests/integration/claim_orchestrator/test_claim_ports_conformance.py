"""PostgreSQL's intake and store pass the exam of their fakes, and keep what only SQL can."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.application.ports import ClaimIntake, ClaimStore
from claim_orchestrator.domain.errors import ClaimUnknown
from devstack.stack import Stack
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query
from tests.support.claim_ports_suite import (
    ClaimPortsSuite,
    change,
    new_claim,
)
from tests.support.world import make_world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A pool in a world."""
    monkeypatch = pytest.MonkeyPatch()
    with make_world(stack, Path(tmp_path_factory.mktemp("claims"))) as world:
        monkeypatch.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        url = world.environment["DICT_POSTGRES_URL"]
        database = await Database.open(url, "claim_orchestrator", PoolSize(1, 3))
        yield database
        await database.close()
        monkeypatch.undo()


class TestPostgresClaimPorts(ClaimPortsSuite):
    """workflows.claim_workflows, connect.inbox, connect.outbox."""

    @pytest.fixture(autouse=True)
    def _opened(self, opened: Database) -> None:
        self._database = opened

    async def intake(self) -> ClaimIntake:
        """Over PostgreSQL."""
        return PostgresClaimIntake(self._database)

    async def store(self) -> ClaimStore:
        """Over PostgreSQL."""
        return PostgresClaimStore(self._database)

    async def sequences(self, subject: UUID) -> list[tuple[int, UUID]]:
        """Rows of the outbox."""
        query = Query(
            "sequences",
            "SELECT sequence, event_id FROM connect.outbox "
            "WHERE message_key = $1 ORDER BY sequence",
        )
        rows = await self._database.fetch(query, (str(subject),))
        return [(row["sequence"], row["event_id"]) for row in rows]

    async def test_claim_without_a_row_is_an_error(self) -> None:
        """Another database than the one it was written in."""
        store = await self.store()
        with pytest.raises(ClaimUnknown):
            await store.record(change(new_claim(), 0, uuid4()), ())
        with pytest.raises(ClaimUnknown):
            await store.complete_request_id(uuid4(), "CLAIMER", uuid4())
