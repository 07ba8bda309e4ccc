"""ClaimStore over PostgreSQL: one statement for state and events."""

from collections.abc import Sequence
from uuid import UUID

from claim_orchestrator.application.claim_process import Recorded
from claim_orchestrator.application.ports import RowChange
from claim_orchestrator.domain.errors import ClaimUnknown
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")


class PostgresClaimStore:
    """The worker's side of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """Changes the row and writes the events, or says why not."""
        row = await self._database.fetch_row(
            _QUERIES["claim_record"], (*_columns(change), *_arrays(events))
        )
        if row is not None:
            return Recorded(row["version"], row["status"], row["dict_status"], stale=False)
        return await self._not_written(change)

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """The RequestId that stands, `proposed` if there was none."""
        row = await self._database.fetch_row(
            _QUERIES["claim_complete_request_id"], (claim_id, role, proposed)
        )
        if row is None:
            raise ClaimUnknown(claim_id)
        stored: UUID = row["complete_request_id"]
        return stored

    async def _not_written(self, change: RowChange) -> Recorded:
        """Zero rows: done before (our event ids stand in the row), or another writer was first."""
        row = await self._database.fetch_row(
            _QUERIES["claim_state"], (change.claim_id, change.role, change.workflow_id)
        )
        if row is None:
            raise ClaimUnknown(change.claim_id)
        ours = [str(event_id) for event_id in change.event_ids]
        done = row["last_event_ids"] == ours
        return Recorded(row["version"], row["status"], row["dict_status"], stale=not done)


def _columns(change: RowChange) -> tuple[object, ...]:
    return (
        change.claim_id,
        change.role,
        change.expected_version,
        list(change.event_ids),
        change.workflow_id,
        change.workflow_run_id,
        change.status,
        change.resolution_type,
        change.resolution_reason,
        change.completed_at,
        change.expires_at,
        change.monitor_workflow_id,
        change.last_error,
        change.dict_claim_id,
        change.dict_status,
        change.owner_ispb,
        change.resolution_period_end,
        change.completion_period_end,
        change.claimer_deadline,
        change.confirm_reason,
        change.cancel_reason,
        change.cancelled_by,
        change.dict_last_modified,
    )


def _arrays(events: Sequence[OutgoingEvent]) -> tuple[object, ...]:
    cut = outbox.columns(events)
    return (
        cut.topics,
        cut.keys,
        cut.event_ids,
        cut.event_times,
        cut.ordinals,
        cut.properties,
        cut.payloads,
    )
