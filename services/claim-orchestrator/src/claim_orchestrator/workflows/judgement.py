"""The entry that tells what was made of a decision."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import CLAIM_DECISION_SIGNAL
    from claim_orchestrator.application.claim_records import (
        ClaimRow,
        DecidedNotice,
        DecisionVerdict,
        SettledIntent,
        StoredDecision,
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
