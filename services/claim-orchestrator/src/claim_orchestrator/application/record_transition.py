"""The one way a claim changes after its first row: state, events and verdicts in one statement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from claim_orchestrator.application.claim_events import (
    NEED_PERSON,
    Told,
    claim_event,
    claimer_deadline,
    step_event,
)
from claim_orchestrator.application.claim_papers import key_of, papers_of
from claim_orchestrator.application.claim_process import expire_id, monitor_id
from claim_orchestrator.application.claim_records import PlannedEvent, Recorded, Transition
from claim_orchestrator.application.ports import ClaimStore, KeptClaim, RowChange
from claim_orchestrator.application.refuse_command import DecisionRejections
from claim_orchestrator.domain.claim import Role, WorkflowStatus
from claim_orchestrator.domain.events import SOURCE, WorkflowStep
from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.ports.outgoing import ComposedFrom, EventComposer, OutgoingEvent
from dict_common.ports.sealing import RestSealer

Observe = Callable[[Transition, Recorded], Awaitable[None]]
"""Told of every change that was written; must not raise."""


class RecordTransition:
    """Seals the events and writes them with the row."""

    def __init__(
        self,
        store: ClaimStore,
        composer: EventComposer,
        rest: RestSealer,
        traceparent: Callable[[], str | None],
        observe: Sequence[Observe] = (),
    ) -> None:
        self._store = store
        self._composer = composer
        self._rest = rest
        self._rejections = DecisionRejections(store, composer)
        self._traceparent = traceparent
        self._observe = observe

    async def __call__(self, transition: Transition) -> Recorded:
        """Done once under its event ids. Raises Unavailable, SubjectErased, DictClaimTaken."""
        kept = None
        if any(planned.name in NEED_PERSON for planned in transition.events):
            kept = await self._kept(transition)
            # A restored backup may have met the person anew: the row knows under which subject.
            process = replace(transition.process, subject_id=kept.subject_id)
            transition = replace(transition, process=process)
        records = [
            (planned.id, planned.name, claim_event(self._told(transition, planned, kept)).record())
            for planned in transition.events
        ]
        records += [
            (step.id, WorkflowStep.NAME, step_event(step).record()) for step in transition.steps
        ]
        events: list[OutgoingEvent] = []
        for ordinal, (event_id, name, record) in enumerate(records, start=1):
            events += await self._composer.compose(
                ComposedFrom(
                    name=name,
                    record=record,
                    envelope=self._envelope(transition, event_id, name),
                    ordinal=ordinal,
                    subject_id=transition.process.subject_id,
                )
            )
        events += await self._rejections.compose(transition.verdicts, transition.at)
        recorded = await self._store.record(row_change(transition), events)
        if not recorded.stale:
            for observe in self._observe:
                await observe(transition, recorded)
        return recorded

    async def _kept(self, transition: Transition) -> KeptClaim:
        """The claim; a RequestId that only its process remembers is stored first."""
        claim_id, remembered = transition.process.claim_id, transition.complete_request_id
        kept = await self._store.load(claim_id)
        if kept.row.complete_request_id is not None or remembered is None:
            return kept
        stored = await self._store.complete_request_id(claim_id, Role.CLAIMER, remembered)
        return replace(kept, row=replace(kept.row, complete_request_id=stored))

    def _told(self, transition: Transition, planned: PlannedEvent, kept: KeptClaim | None) -> Told:
        if planned.name not in NEED_PERSON or kept is None:
            return Told(transition, planned)
        return Told(
            transition,
            planned,
            key_of(kept, self._rest),
            papers_of(kept, self._rest),
            kept.row.complete_request_id,
        )

    def _envelope(self, transition: Transition, event_id: UUID, name: str) -> Envelope:
        process, by = transition.process, transition.by
        return Envelope(
            id=event_id,
            type=name,
            source=SOURCE,
            time=transition.at,
            subject=str(process.claim_id),
            aggregate_type="claim",
            correlation_id=process.correlation_id,
            causation_id=str(process.command_id),
            traceparent=self._traceparent(),
            workflow=WorkflowRef(by.type, by.id, by.run_id),
        )


def row_change(transition: Transition) -> RowChange:
    """The columns that a transition sets."""
    process, snapshot = transition.process, transition.snapshot
    deadline = claimer_deadline(transition)
    ended = transition.status != WorkflowStatus.RUNNING
    return RowChange(
        claim_id=process.claim_id,
        role=Role.CLAIMER,
        workflow_id=transition.by.id,
        workflow_run_id=UUID(transition.by.run_id),
        expected_version=transition.expected_version,
        event_ids=tuple(
            [event.id for event in transition.events] + [step.id for step in transition.steps]
        ),
        status=transition.status,
        resolution_type=transition.resolution_type,
        resolution_reason=transition.resolution_reason,
        completed_at=transition.at if ended else None,
        expires_at=deadline,
        monitor_workflow_id=monitor_id(process.claim_id) if snapshot else None,
        expire_workflow_id=expire_id(process.claim_id) if deadline else None,
        last_error=transition.error_type,
        snapshot=snapshot,
        claimer_deadline=deadline,
        intent=transition.intent,
        verdicts=tuple(transition.verdicts),
        settled_at=transition.at,
    )
