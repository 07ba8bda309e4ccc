"""Between the rows of workflows.claim_decisions and our records."""

import asyncpg

from claim_orchestrator.application.ports import NewDecision
from dict_common.ports.inbox import command_id_reused


def decision_columns(decision: NewDecision) -> tuple[object, ...]:
    """For `decision_insert`."""
    return (
        decision.ce_id,
        decision.claim_id,
        decision.role,
        decision.decision,
        decision.reason,
        decision.otp_id,
        decision.decided_at,
        decision.published_at,
        decision.effective_at,
        decision.decided_by,
        decision.stored_at,
        decision.fingerprint,
        decision.correlation_id,
        decision.traceparent,
    )


def new_decision(row: asyncpg.Record) -> NewDecision:
    """A whole row."""
    return NewDecision(**dict(row))


def outcome_of_same(row: asyncpg.Record | None, decision: NewDecision) -> str | None:
    """The outcome of the decision that stands under this id.

    Raises InputRefused `command-id-reused` when it is another one: ids are shared by all doors.
    """
    if row is None:
        return None
    stands = (row["claim_id"], row["role"], row["decision"], row["reason"], row["decided_by"])
    given = (decision.claim_id, decision.role, decision.decision, decision.reason)
    if stands != (*given, decision.decided_by):
        raise command_id_reused()
    outcome: str | None = row["outcome"]
    return outcome
