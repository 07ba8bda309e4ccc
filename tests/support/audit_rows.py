"""Rows of the audit with true evidence, written by the sink's own store, without a broker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.application.ports import Candidate
from audit_sink.domain.audit_row import AuditRow, canonical_json
from dict_common.kernel.ids import new_id
from dict_common.store.database import Database, PoolSize
from tests.support.audit_evidence import broken_evidence
from tests.support.world import World

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def audit_row(**changes: Any) -> AuditRow:
    """A row of an event of its own."""
    claim_id = str(uuid4())
    row = AuditRow(
        event_id=uuid4(),
        workflow_type="CreateClaimWorkflow",
        workflow_id=f"claim-{claim_id}",
        workflow_run_id=None,
        event_type="STARTED",
        event_subtype="claim.created",
        event_payload=canonical_json({"key": "c2VhbGVk", "n": 1, "é": None}),
        user_id=None,
        correlation_id=str(uuid4()),
        occurred_at=MADE_AT,
        metadata=canonical_json(
            {"topic": "persistent://dict/events/claim.created", "partition": 1}
        ),
        source="/dict-connect/claim-orchestrator",
        aggregate_type="claim",
        aggregate_id=claim_id,
        aggregate_sequence=1,
        participant_ispb="12345678",
    )
    return row._replace(**changes)


@dataclass(frozen=True)
class AuditWriter:
    """Writes as a sink does: gate, rows, roots, chain."""

    store: PostgresAuditStore

    async def write(self, rows: Sequence[AuditRow]) -> UUID:
        """One batch; its id."""
        batch_id = new_id()
        candidates = [Candidate(place, row, place) for place, row in enumerate(rows)]
        await self.store.write(batch_id, candidates)
        return batch_id


@asynccontextmanager
async def audit_writer(world: World) -> AsyncIterator[AuditWriter]:
    """A sink's store in a world."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        database = await Database.open(
            world.environment["DICT_POSTGRES_URL"], "audit_sink", PoolSize(1, 1)
        )
    try:
        yield AuditWriter(PostgresAuditStore(database))
    finally:
        await database.close()


async def assert_proven(database: "asyncpg.Connection[Any]") -> int:
    """Every batch's rows give its parts and its root; how many rows there are."""
    assert await broken_evidence(database) == []
    return int(await database.fetchval("SELECT count(*) FROM audit.workflow_events"))
