"""The entry that tells what DICT shows: status, dates, and how a claim ended for us."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CLAIM_STATUS_SIGNAL,
        GET_CLAIM_GRPC,
        TRANSFER_ENTRY,
    )
    from claim_orchestrator.application.claim_records import (
        ClaimRow,
        PlannedEvent,
        PlannedStep,
        Snapshot,
    )
    from claim_orchestrator.domain.claim import DictStatus, WorkflowStatus
    from claim_orchestrator.domain.course import Cause
    from claim_orchestrator.domain.events import EntryTransferred
    from claim_orchestrator.domain.transitions import (
        CLAIMER,
        CREATED,
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


UNKNOWN_STATUS = "unexpected:unknown"


def arrival(row: ClaimRow, shown: Snapshot) -> Entry:
    """For news only (`is_news`). A status that skips others is accepted, and told as unexpected."""
    before = row.shown.status if row.shown else None
    if row.shown is not None and shown.last_modified < row.shown.last_modified:
        # DICT's clock went back: its status counts, and the row's guard compares the times.
        shown = replace(shown, last_modified=row.shown.last_modified)
    if shown.status not in CLAIMER:
        # The first answer shows a status that this release does not know: waited out.
        unknown = step(SIGNAL_RECEIVED, CLAIM_STATUS_SIGNAL, UNKNOWN_STATUS)
        return unchanged(row, snapshot=shown, events=(event(CREATED),), steps=(unknown,))
    if not moves_forward(before, shown.status):
        moved = step(ACTIVITY_EXECUTED, GET_CLAIM_GRPC, "dates-moved")
        return unchanged(row, snapshot=shown, steps=(moved,))
    reached = CLAIMER[DictStatus(shown.status)]
    cause = Cause(row.intent.cause) if row.intent else None
    steps: tuple[PlannedStep, ...] = ()
    if not is_expected(before, shown.status):
        steps = (step(SIGNAL_RECEIVED, CLAIM_STATUS_SIGNAL, f"unexpected:{before}>{shown.status}"),)
    # Once, and first: Core waits for it, however far the claim is when we see it.
    created = (event(CREATED),) if before is None else ()
    reached_events = () if reached.event == CREATED else (event(reached.event),)
    events: tuple[PlannedEvent, ...] = (*created, *reached_events)
    if reached.status is WorkflowStatus.COMPLETED:
        # One statement tells the end and all that a CID needs of the new entry.
        if row.complete_request_id is not None:
            events = (*events, event(EntryTransferred.NAME))
        else:  # completed by others: no RequestId of ours
            steps = (*steps, step(ACTIVITY_EXECUTED, TRANSFER_ENTRY, "RequestIdUnknown"))
    return Entry(
        status=reached.status,
        intent=row.intent,
        events=events,
        steps=steps,
        resolution=resolution_of(DictStatus(shown.status), shown.cancelled_by, cause),
        reason=shown.cancel_reason,
        snapshot=shown,
    )
