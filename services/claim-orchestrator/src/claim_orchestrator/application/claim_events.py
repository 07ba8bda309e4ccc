"""Fills the events of a claim from what its process knows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from claim_orchestrator.application.claim_process import PlannedStep, Snapshot, Transition
from claim_orchestrator.domain.claim import ResolutionType, Role
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.events import (
    ClaimAcknowledged,
    ClaimCancelled,
    ClaimCompleted,
    ClaimConfirmed,
    ClaimCreated,
    ClaimEvent,
    ClaimFailed,
    EntryTransferred,
    WorkflowStep,
)

_Common = dict[str, Any]


def event_records(transition: Transition) -> list[tuple[UUID, str, dict[str, object]]]:
    """(event id, name, record in clear) of every event of the transition, in their order."""
    events = [
        (event.id, event.name, claim_event(event.name, transition).record())
        for event in transition.events
    ]
    return events + [
        (step.id, WorkflowStep.NAME, _step(step).record()) for step in transition.steps
    ]


def claim_event(name: str, transition: Transition) -> ClaimEvent:
    """The event of that name. Raises KeyError for a name that is none of a claimer's."""
    return _FILL[name](_common(transition), transition)


def claimer_deadline(transition: Transition) -> datetime | None:
    """The claimer's outer limit by the dates that DICT gave, None before it gave any."""
    snapshot = transition.snapshot
    return Calendar(transition.process.day_seconds).claimer_deadline(
        snapshot.resolution_period_end if snapshot else None
    )


def _step(step: PlannedStep) -> WorkflowStep:
    return WorkflowStep(
        kind=step.kind,
        name=step.name,
        outcome=step.outcome,
        request_id=step.request_id,
        detail=step.detail,
    )


def _common(transition: Transition) -> _Common:
    process, snapshot = transition.process, transition.snapshot
    return {
        "claim_id": str(process.claim_id),
        "dict_claim_id": str(snapshot.dict_claim_id) if snapshot else None,
        "role": Role.CLAIMER.value,
        "type": process.type,
        "key_type": process.key_type,
        "claimer_ispb": process.participant,
        "donor_ispb": (snapshot.donor_ispb if snapshot else None) or process.owner_ispb,
        "dict_status": snapshot.status if snapshot else None,
        "resolution_period_end": snapshot.resolution_period_end if snapshot else None,
        "completion_period_end": snapshot.completion_period_end if snapshot else None,
        "claimer_deadline": claimer_deadline(transition),
        "subject_id": str(process.subject_id),
    }


def _shown(transition: Transition) -> Snapshot:
    if transition.snapshot is None:
        raise ValueError("this event tells what DICT showed, and nothing was shown")
    return transition.snapshot


def _completed(common: _Common, transition: Transition) -> ClaimEvent:
    snapshot = _shown(transition)
    return ClaimCompleted(
        **common,
        outcome=transition.resolution_type or ResolutionType.APPROVED,
        entry_creation_date=snapshot.entry_creation_date,
        key_ownership_date=snapshot.key_ownership_date,
    )


def _cancelled(common: _Common, transition: Transition) -> ClaimEvent:
    snapshot = _shown(transition)
    return ClaimCancelled(
        **common,
        outcome=transition.resolution_type or ResolutionType.REJECTED,
        reason=snapshot.cancel_reason,
        cancelled_by=snapshot.cancelled_by,
    )


def _failed(common: _Common, transition: Transition) -> ClaimEvent:
    return ClaimFailed(
        **common,
        error_type=transition.error_type or "Unknown",
        error_detail=transition.error_detail,
    )


def _transferred(common: _Common, transition: Transition) -> ClaimEvent:
    process = transition.process
    if transition.complete_request_id is None:
        raise ValueError("an entry is transferred under the RequestId of its completion")
    return EntryTransferred(
        **common,
        entry_id=None if process.entry_id is None else str(process.entry_id),
        participant=process.participant,
        account_type=process.account_type,
        key=process.key,
        owner_tax_id=process.claimer_tax_id,
        owner_name=process.claimer_name,
        owner_trade_name=process.claimer_trade_name,
        branch=process.account_branch,
        account_number=process.account_number,
        request_id=str(transition.complete_request_id),
    )


_FILL: dict[str, Callable[[_Common, Transition], ClaimEvent]] = {
    ClaimCreated.NAME: lambda common, it: ClaimCreated(**common, key=it.process.key),
    ClaimAcknowledged.NAME: lambda common, _: ClaimAcknowledged(**common),
    ClaimConfirmed.NAME: lambda common, it: ClaimConfirmed(
        **common, reason=_shown(it).confirm_reason
    ),
    ClaimCompleted.NAME: _completed,
    ClaimCancelled.NAME: _cancelled,
    ClaimFailed.NAME: _failed,
    EntryTransferred.NAME: _transferred,
}
