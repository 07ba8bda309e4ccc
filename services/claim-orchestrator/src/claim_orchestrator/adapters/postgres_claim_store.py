"""ClaimStore over PostgreSQL: one statement for state, events and verdicts."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from claim_orchestrator.adapters.claim_columns import claim_row, kept_claim, record_columns
from claim_orchestrator.adapters.decision_columns import (
    decision_columns,
    new_decision,
    outcome_of_same,
)
from claim_orchestrator.application.claim_mail import MAIL_MAX, Mail, StoredDecision
from claim_orchestrator.application.claim_records import Recorded
from claim_orchestrator.application.ports import KeptClaim, NewDecision, RowChange
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.errors import ClaimUnknown, DictClaimTaken
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")
_DECISIONS = load_queries("claim_orchestrator.adapters", "decisions")


class PostgresClaimStore:
    """The worker's side of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """Changes the row and writes the events, or says why not."""
        try:
            row = await self._database.fetch_row(
                _QUERIES["claim_record"], record_columns(change, events)
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == "claim_workflows_dict_claim_id_role_key":
                raise DictClaimTaken(change.claim_id) from error
            raise
        if row is not None:
            return Recorded(claim_row(row), stale=False, mail=row["mail"])
        return await self._not_written(change)

    async def load(self, claim_id: UUID) -> KeptClaim:
        """The claim by our id."""
        row = await self._database.fetch_row(_QUERIES["claim_load"], (claim_id, Role.CLAIMER, ""))
        if row is None:
            raise ClaimUnknown(claim_id)
        return kept_claim(row)

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """The RequestId that stands, `proposed` if there was none."""
        row = await self._database.fetch_row(
            _QUERIES["claim_complete_request_id"], (claim_id, role, proposed)
        )
        if row is None:
            raise ClaimUnknown(claim_id)
        stored: UUID = row["complete_request_id"]
        return stored

    async def unclaimed(self, dict_claim_ids: Sequence[UUID], claim_id: UUID) -> set[UUID]:
        """Which of DICT's claims stand in no other row of ours."""
        if not dict_claim_ids:
            return set()
        rows = await self._database.fetch(
            _QUERIES["claim_of_dict"], (list(dict_claim_ids), claim_id)
        )
        return set(dict_claim_ids) - {row["dict_claim_id"] for row in rows}

    async def store_decision(self, decision: NewDecision) -> str | None:
        """Keeps a decision once; its outcome so far."""
        await self._database.fetch(_DECISIONS["decision_insert"], decision_columns(decision))
        row = await self._database.fetch_row(_DECISIONS["decision_outcome"], (decision.ce_id,))
        return outcome_of_same(row, decision)

    async def mail(self, claim_id: UUID) -> Mail:
        """Decisions that nobody judged, oldest first, and the newest proof."""
        async with self._database.connection() as connection:
            mail, proof = _DECISIONS["decision_mail"], _DECISIONS["proof_newest"]
            decisions = await connection.fetch(mail.sql, claim_id, Role.CLAIMER, MAIL_MAX)
            proven_at = await connection.fetchval(proof.sql, claim_id)
        return Mail([_stored(row) for row in decisions], proven_at)

    async def verdicts_to_tell(self, ce_ids: Sequence[UUID]) -> list[NewDecision]:
        """The stored decisions of these ids."""
        rows = await self._database.fetch(_DECISIONS["decision_rows"], (list(ce_ids),))
        return [new_decision(row) for row in rows]

    async def _not_written(self, change: RowChange) -> Recorded:
        """Zero rows: done before (our event ids stand in the row), or another writer was first."""
        row = await self._database.fetch_row(
            _QUERIES["claim_load"], (change.claim_id, change.role, change.workflow_id)
        )
        if row is None:
            raise ClaimUnknown(change.claim_id)
        ours = [str(event_id) for event_id in change.event_ids]
        return Recorded(kept_claim(row).row, stale=row["own_event_ids"] != ours)


def _stored(row: asyncpg.Record) -> StoredDecision:
    return StoredDecision(
        ce_id=row["ce_id"],
        decision=row["decision"],
        reason=row["reason"],
        decided_at=row["decided_at"],
        effective_at=row["effective_at"],
        decided_by=row["decided_by"],
        otp_id=None if row["otp_id"] is None else str(row["otp_id"]),
    )
