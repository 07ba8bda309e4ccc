"""ClaimIntake over PostgreSQL: inbox row and state commit together."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from claim_orchestrator.adapters.claim_columns import insert_columns
from claim_orchestrator.adapters.decision_columns import (
    decision_columns,
    new_decision,
    outcome_of_same,
)
from claim_orchestrator.application.ports import NewClaim, NewDecision
from claim_orchestrator.domain.claim import WorkflowStatus
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")
_DECISIONS = load_queries("claim_orchestrator.adapters", "decisions")


class PostgresClaimIntake(PostgresCommandInbox):
    """The consumer's side of the store."""

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Inbox row, claim and subject link in one transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, command):
                return False
            inserted = await timed_fetch(
                connection, _QUERIES["claim_insert"], insert_columns(claim)
            )
            if not inserted:
                raise InputRefused(
                    "claim-already-known",
                    "a claim with this claim_id exists: follow it with `dictctl claim get`, "
                    "or open another under a new id",
                )
            await timed_fetch(
                connection,
                _QUERIES["claim_link_subject"],
                (claim.subject_id, str(claim.claim_id)),
            )
        return True

    async def accept_decision(self, command: InboxKey, decision: NewDecision) -> bool:
        """Inbox row and decision in one transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, command):
                return False
            rows = await timed_fetch(
                connection,
                _DECISIONS["decision_claim_status"],
                (decision.claim_id, decision.role),
            )
            if rows and rows[0]["status"] != WorkflowStatus.RUNNING:
                raise InputRefused(
                    "claim-already-resolved",
                    f"the claim is {rows[0]['status']}: there is nothing left to decide",
                )
            inserted = await timed_fetch(
                connection, _DECISIONS["decision_insert"], decision_columns(decision)
            )
            if not inserted:  # another door has stored under this id
                stands = await timed_fetch(
                    connection, _DECISIONS["decision_outcome"], (decision.ce_id,)
                )
                outcome_of_same(stands[0] if stands else None, decision)
        return True

    async def accept_proof(self, otp_id: UUID, claim_id: UUID, at: datetime, ce_id: UUID) -> None:
        """Keeps a proof of possession."""
        await self._database.fetch(_DECISIONS["proof_insert"], (otp_id, claim_id, at, ce_id))

    async def accept_operator(self, command: InboxKey, events: Sequence[OutgoingEvent]) -> bool:
        """Inbox row and events in one transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, command):
                return False
            await outbox.insert(connection, events, version_before=0)
        return True

    async def orphans(self, stored_before: datetime, limit: int) -> list[NewDecision]:
        """Decisions whose claim never came."""
        rows = await self._database.fetch(_DECISIONS["decision_orphans"], (stored_before, limit))
        return [new_decision(row) for row in rows]

    async def refuse_orphan(
        self, decision: NewDecision, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> bool:
        """Settles such a decision with its rejection."""
        async with self._database.transaction() as connection:
            refused = await timed_fetch(
                connection,
                _DECISIONS["decision_refuse_orphan"],
                (decision.ce_id, f"refused:{reason_code}"),
            )
            if refused:
                await outbox.insert(connection, events, version_before=0)
        return bool(refused)
