"""Between the rows of workflows.claim_decisions and our records."""

import asyncpg

from claim_orchestrator.application.ports import NewDecision


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
        decision.fingerprint,
        decision.correlation_id,
        decision.traceparent,
    )


def new_decision(row: asyncpg.Record) -> NewDecision:
    """A whole row."""
    return NewDecision(**dict(row))
