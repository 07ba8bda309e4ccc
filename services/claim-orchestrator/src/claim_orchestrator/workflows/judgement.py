"""What a decision is called, and the entry that tells what was made of it."""

from uuid import UUID, uuid5

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_mail import StoredDecision
    from claim_orchestrator.application.claim_process import CLAIM_DECISION_SIGNAL
    from claim_orchestrator.application.claim_records import (
        ClaimRow,
        DecidedNotice,
        DecisionVerdict,
        SettledIntent,
    )
    from claim_orchestrator.domain.course import Cause
    from claim_orchestrator.domain.decisions import Verdict
    from claim_orchestrator.domain.events import ClaimDecided
    from claim_orchestrator.workflows.journal import UPDATE_REFUSED, Entry, event, step, unchanged


def judgement(row: ClaimRow, decision: StoredDecision, verdict: Verdict) -> Entry:
    """Refused: a step and its rejection. Accepted: `claim.decided`, and what it settles."""
    told = DecisionVerdict(decision.ce_id, verdict.refused, verdict.detail)
    if verdict.refused is not None:
        refused = step(UPDATE_REFUSED, CLAIM_DECISION_SIGNAL, verdict.refused)
        return unchanged(row, steps=(refused,), verdicts=(told,))
    intent = row.intent
    if verdict.cancel_reason is not None:
        intent = SettledIntent(Cause.DECISION, verdict.cancel_reason, decision.ce_id)
    notice = DecidedNotice(
        decision.decision,
        verdict.cancel_reason,
        decision.decided_at,
        decision.decided_by,
        decision.otp_id,
    )
    accepted = event(ClaimDecided.NAME, decided=notice)
    return unchanged(row, intent=intent, events=(accepted,), verdicts=(told,))


def overruling(before: SettledIntent | None, reason: str) -> SettledIntent:
    """An operator's cancellation, before whatever was settled: that is told if both drop."""
    if before is None:
        return SettledIntent(Cause.OPERATOR, reason)
    overruled_reason = before.overruled if before.cause == Cause.OPERATOR else before.reason
    return SettledIntent(Cause.OPERATOR, reason, before.decision_id, overruled_reason)


def overruled(intent: SettledIntent) -> SettledIntent | None:
    """What an operator's cancellation stands before: a decision's, or the deadline's."""
    if intent.overruled is None:
        return None
    cause = Cause.DEADLINE if intent.decision_id is None else Cause.DECISION
    return SettledIntent(cause, intent.overruled, intent.decision_id)


def decision_id(update_id: str, claim_id: UUID) -> UUID:
    """The id of a decision that came as an update: the update's, if that is a UUID."""
    try:
        return UUID(update_id)
    except ValueError:
        return uuid5(claim_id, update_id)
