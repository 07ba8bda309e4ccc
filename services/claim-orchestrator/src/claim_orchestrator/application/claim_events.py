"""Fills the events of a claim from what its transition says; personal data comes from its row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from claim_orchestrator.application.claim_papers import ClaimPapers
from claim_orchestrator.application.claim_records import (
    PlannedEvent,
    PlannedStep,
    Snapshot,
    Transition,
)
from claim_orchestrator.domain.claim import ResolutionType, Role
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.events import (
    ClaimAcknowledged,
    ClaimCancelled,
    ClaimCompleted,
    ClaimConfirmed,
    ClaimCreated,
    ClaimDeadlineApproaching,
    ClaimDecided,
    ClaimEvent,
    ClaimFailed,
    EntryTransferred,
    WorkflowStep,
)

_Common = dict[str, Any]

NEED_PERSON = frozenset({ClaimCreated.NAME, EntryTransferred.NAME})
"""Events that hold personal data."""


@dataclass(frozen=True)
class Told:
    """What an event is filled from. `key` and `papers` only where NEED_PERSON asks for them."""

    transition: Transition
    planned: PlannedEvent
    key: str | None = None
    papers: ClaimPapers | None = None
    complete_request_id: UUID | None = None

    @property
    def shown(self) -> Snapshot:
        """Raises ValueError when DICT has shown nothing: a defect of the workflow."""
        if self.transition.snapshot is None:
            raise ValueError("this event tells what DICT showed, and nothing was shown")
        return self.transition.snapshot


def claim_event(told: Told) -> ClaimEvent:
    """The planned event. Raises KeyError for a name that is none of a claimer's."""
    return _FILL[told.planned.name](_common(told.transition), told)


def step_event(step: PlannedStep) -> WorkflowStep:
    """The `workflow.step`."""
    return WorkflowStep(
        kind=step.kind,
        name=step.name,
        outcome=step.outcome,
        request_id=step.request_id,
        detail=step.detail,
    )


def claimer_deadline(transition: Transition) -> datetime | None:
    """The claimer's outer limit by the dates that DICT gave, None before it gave any."""
    snapshot = transition.snapshot
    return Calendar(transition.process.day_seconds).claimer_deadline(
        snapshot.resolution_period_end if snapshot else None
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


def _created(common: _Common, told: Told) -> ClaimEvent:
    if told.key is None:
        raise ValueError("claim.created tells the key")
    return ClaimCreated(**common, key=told.key)


def _decided(common: _Common, told: Told) -> ClaimEvent:
    decided = told.planned.decided
    if decided is None:
        raise ValueError("claim.decided tells a decision")
    return ClaimDecided(
        **common,
        decision=decided.decision,
        reason=decided.reason,
        decided_at=decided.decided_at,
        decided_by=decided.decided_by,
        otp_id=decided.otp_id,
    )


def _approaching(common: _Common, told: Told) -> ClaimEvent:
    notice = told.planned.deadline
    if notice is None:
        raise ValueError("claim.deadline-approaching tells a deadline")
    return ClaimDeadlineApproaching(
        **common,
        deadline=notice.deadline,
        action=notice.action,
        margin_seconds=notice.margin_seconds,
    )


def _completed(common: _Common, told: Told) -> ClaimEvent:
    return ClaimCompleted(
        **common,
        outcome=told.transition.resolution_type or ResolutionType.APPROVED,
        entry_creation_date=told.shown.entry_creation_date,
        key_ownership_date=told.shown.key_ownership_date,
    )


def _cancelled(common: _Common, told: Told) -> ClaimEvent:
    return ClaimCancelled(
        **common,
        outcome=told.transition.resolution_type or ResolutionType.REJECTED,
        reason=told.shown.cancel_reason,
        cancelled_by=told.shown.cancelled_by,
    )


def _failed(common: _Common, told: Told) -> ClaimEvent:
    return ClaimFailed(
        **common,
        error_type=told.transition.error_type or "Unknown",
        error_detail=told.transition.error_detail,
    )


def _transferred(common: _Common, told: Told) -> ClaimEvent:
    process, papers = told.transition.process, told.papers
    if told.complete_request_id is None or told.key is None or papers is None:
        raise ValueError("an entry is transferred under the RequestId of its completion")
    return EntryTransferred(
        **common,
        entry_id=None if process.entry_id is None else str(process.entry_id),
        participant=process.participant,
        account_type=papers.account_type,
        key=told.key,
        owner_tax_id=papers.claimer_tax_id,
        owner_name=papers.claimer_name,
        owner_trade_name=papers.claimer_trade_name,
        branch=papers.account_branch,
        account_number=papers.account_number,
        request_id=str(told.complete_request_id),
    )


_FILL: dict[str, Callable[[_Common, Told], ClaimEvent]] = {
    ClaimCreated.NAME: _created,
    ClaimAcknowledged.NAME: lambda common, _: ClaimAcknowledged(**common),
    ClaimDecided.NAME: _decided,
    ClaimDeadlineApproaching.NAME: _approaching,
    ClaimConfirmed.NAME: lambda common, told: ClaimConfirmed(
        **common, reason=told.shown.confirm_reason
    ),
    ClaimCompleted.NAME: _completed,
    ClaimCancelled.NAME: _cancelled,
    ClaimFailed.NAME: _failed,
    EntryTransferred.NAME: _transferred,
}
