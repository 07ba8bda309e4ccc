"""Events of VSYNC from what has changed: the same ids however often they are composed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.kernel.ids import derived_id
from dict_common.ports.outgoing import ComposedFrom, EventComposer, OutgoingEvent
from vsync.application.ports import ClosedReview, OpenedReview, Papers
from vsync.application.sync_process import RunRef
from vsync.domain.entry import Entry, Step
from vsync.domain.events import (
    EntryChanged,
    EntryCorrected,
    ReviewOpened,
    ReviewResolved,
    RunEvent,
)

SOURCE = "/dict-connect/vsync"
DECIDE_WITHIN = timedelta(hours=36)
"""The longest interval between two proofs, by Bacen's manual of times."""
MISSING_BACEN = "MISSING_BACEN"


class Record(Protocol):
    """An event's fields."""

    def record(self) -> dict[str, object]:
        """Field name to value."""


@dataclass(frozen=True)
class Cause:
    """What events follow from: a command, or a step of a run. Ids of events derive from `id`."""

    id: UUID
    at: datetime
    correlation_id: str | None = None
    traceparent: str | None = None
    workflow: WorkflowRef | None = None
    run_id: UUID | None = None


def cause_of(run: RunRef, step: str, at: datetime) -> Cause:
    """A step of a run, by its name within it."""
    workflow = WorkflowRef(run.workflow_type, run.workflow_id, run.workflow_run_id)
    id_ = derived_id(run.run_id, step)
    return Cause(id_, at, str(run.run_id), None, workflow, run.run_id)


@dataclass(frozen=True)
class Change:
    """An entry before and after, and whose it is."""

    before: Entry | None
    after: Entry
    subject_id: UUID | None = None


class Telling:
    """Composes them. Raises Unavailable."""

    def __init__(self, composer: EventComposer) -> None:
        self._composer = composer

    async def changed(
        self, cause: Cause, step: Step, before: Entry | None, papers: Papers | None
    ) -> tuple[OutgoingEvent, ...]:
        """What a report of Core or a claim has made of an entry; nothing where nothing changed."""
        if step.change is None or step.entry is None:
            return ()
        change = Change(before, step.entry, None if papers is None else papers.subject_id)
        event = EntryChanged(**_entry_fields(change))
        return await self._tell(cause, step.change, event, "entry", step.entry.entry_id)

    async def corrected(
        self, cause: Cause, change: Change, correction: str, review_id: UUID | None = None
    ) -> tuple[OutgoingEvent, ...]:
        """What a repair, a review or an adoption has made of an entry."""
        event = EntryCorrected(
            **_entry_fields(change),
            correction=correction,
            run_id=None if cause.run_id is None else str(cause.run_id),
            review_id=None if review_id is None else str(review_id),
        )
        return await self._tell(cause, event.NAME, event, "entry", change.after.entry_id)

    async def run(self, cause: Cause, name: str, event: RunEvent) -> tuple[OutgoingEvent, ...]:
        """What a run has to tell."""
        return await self._tell(cause, name, event, "vsync-run", UUID(event.run_id))

    async def opened(
        self, cause: Cause, entry: Entry, papers: tuple[bytes | None, str | None], cid: bytes
    ) -> OpenedReview:
        """A review of an entry that left its VSync. `papers`: sealed values and key hash."""
        assert cause.run_id is not None, "a run opens reviews"
        assert entry.review_id is not None, "the entry is in review"
        event = ReviewOpened(
            **_review_fields(entry, entry.review_id),
            reason_code=MISSING_BACEN,
            cid=cid.hex(),
            run_id=str(cause.run_id),
            opened_at=cause.at,
            decide_by=cause.at + DECIDE_WITHIN,
        )
        events = await self._tell(cause, event.NAME, event, "review", entry.review_id)
        sealed, key_hash = papers
        return OpenedReview(
            review_id=entry.review_id,
            key_encrypted=sealed,
            key_hash=key_hash,
            cid=cid,
            run_id=cause.run_id,
            reason=MISSING_BACEN,
            opened_at=event.opened_at,
            decide_by=event.decide_by,
            events=events,
        )

    async def reopened(
        self, cause: Cause, entry: Entry, review: tuple[UUID, bytes], reason: str
    ) -> tuple[OutgoingEvent, ...]:
        """A review that is open again: DICT did not take the entry. `review`: its id and the CID
        that Bacen does not have; `reason`: the problem type."""
        review_id, cid = review
        event = ReviewOpened(
            **_review_fields(entry, review_id),
            reason_code=reason,
            cid=cid.hex(),
            run_id=None,
            opened_at=cause.at,
            decide_by=cause.at + DECIDE_WITHIN,
        )
        return await self._tell(cause, event.NAME, event, "review", review_id)

    async def closed(
        self,
        cause: Cause,
        entry: Entry,
        review_id: UUID,
        outcome: str,
        decided_by: tuple[str, ...] | None = None,
    ) -> ClosedReview:
        """A review that has its outcome: DELETED, KEPT, SUPERSEDED."""
        event = ReviewResolved(
            **_review_fields(entry, review_id),
            outcome=outcome,
            decided_by=decided_by,
            resolved_at=cause.at,
        )
        events = await self._tell(cause, event.NAME, event, "review", review_id)
        return ClosedReview(review_id, outcome, cause.at, events)

    async def _tell(
        self, cause: Cause, name: str, event: Record, aggregate_type: str, id_: UUID
    ) -> tuple[OutgoingEvent, ...]:
        envelope = Envelope(
            id=derived_id(cause.id, f"{name}\n{id_}"),
            type=name,
            source=SOURCE,
            time=cause.at,
            subject=str(id_),
            aggregate_type=aggregate_type,
            correlation_id=cause.correlation_id or str(cause.id),
            causation_id=str(cause.id),
            traceparent=cause.traceparent,
            workflow=cause.workflow,
        )
        return await self._composer.compose(
            ComposedFrom(name, event.record(), envelope, ordinal=1, subject_id=None)
        )


def _entry_fields(change: Change) -> dict[str, Any]:
    after, before = change.after, change.before
    cid_before = None if before is None else before.cid
    return {
        "entry_id": str(after.entry_id),
        "participant": after.set.participant,
        "key_type": after.set.key_type,
        "cid": None if after.cid is None else after.cid.hex(),
        "cid_before": None if cid_before is None else cid_before.hex(),
        "source": after.stands.source,
        "dict_time": after.stands.dict_time,
        "subject_id": None if change.subject_id is None else str(change.subject_id),
    }


def _review_fields(entry: Entry, review_id: UUID) -> dict[str, str]:
    return {
        "review_id": str(review_id),
        "entry_id": str(entry.entry_id),
        "participant": entry.set.participant,
        "key_type": entry.set.key_type,
    }
