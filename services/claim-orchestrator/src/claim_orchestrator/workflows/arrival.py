"""The entry that tells what DICT shows: status, dates, and how a claim ended for us."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import CLAIM_STATUS_SIGNAL, GET_CLAIM_GRPC
    from claim_orchestrator.application.claim_records import ClaimRow, PlannedStep, Snapshot
    from claim_orchestrator.domain.claim import DictStatus
    from claim_orchestrator.domain.course import Cause
    from claim_orchestrator.domain.transitions import (
        CLAIMER,
        is_expected,
        moves_forward,
        resolution_of,
    )
    from claim_orchestrator.workflows.journal import (
        ACTIVITY_EXECUTED,
        SIGNAL_RECEIVED,
        Entry,
        event,
        step,
        unchanged,
    )


def arrival(row: ClaimRow, shown: Snapshot) -> Entry:
    """For news only (`is_news`). A status that skips others is accepted, and told as unexpected."""
    before = row.shown.status if row.shown else None
    if not moves_forward(before, shown.status):
        moved = step(ACTIVITY_EXECUTED, GET_CLAIM_GRPC, "dates-moved")
        return unchanged(row, snapshot=shown, steps=(moved,))
    reached = CLAIMER[DictStatus(shown.status)]
    cause = Cause(row.intent.cause) if row.intent else None
    steps: tuple[PlannedStep, ...] = ()
    if not is_expected(before, shown.status):
        steps = (step(SIGNAL_RECEIVED, CLAIM_STATUS_SIGNAL, f"unexpected:{before}>{shown.status}"),)
    return Entry(
        status=reached.status,
        intent=row.intent,
        events=(event(reached.event),),
        steps=steps,
        resolution=resolution_of(DictStatus(shown.status), shown.cancelled_by, cause),
        reason=shown.cancel_reason,
        snapshot=shown,
    )
