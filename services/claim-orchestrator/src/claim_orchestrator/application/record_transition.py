"""The one way a claim changes after its first row: state and events in one statement."""

from collections.abc import Callable
from uuid import UUID

from claim_orchestrator.application.claim_events import claimer_deadline, event_records
from claim_orchestrator.application.claim_process import Recorded, Transition, monitor_id
from claim_orchestrator.application.ports import ClaimStore, RowChange
from claim_orchestrator.application.refuse_command import SOURCE
from claim_orchestrator.domain.claim import Role, WorkflowStatus
from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.ports.outgoing import ComposedFrom, EventComposer, OutgoingEvent


class RecordTransition:
    """Seals the events and writes them with the row."""

    def __init__(
        self,
        store: ClaimStore,
        composer: EventComposer,
        traceparent: Callable[[], str | None],
    ) -> None:
        self._store = store
        self._composer = composer
        self._traceparent = traceparent

    async def __call__(self, transition: Transition) -> Recorded:
        """Done once under its event ids. Raises Unavailable, SubjectErased."""
        events: list[OutgoingEvent] = []
        for ordinal, (event_id, name, record) in enumerate(event_records(transition), start=1):
            events += await self._composer.compose(
                ComposedFrom(
                    name=name,
                    record=record,
                    envelope=self._envelope(transition, event_id, name),
                    ordinal=ordinal,
                    subject_id=transition.process.subject_id,
                )
            )
        return await self._store.record(row_change(transition), events)

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
        last_error=transition.error_type,
        dict_claim_id=snapshot.dict_claim_id if snapshot else None,
        dict_status=snapshot.status if snapshot else None,
        owner_ispb=snapshot.donor_ispb if snapshot else None,
        resolution_period_end=snapshot.resolution_period_end if snapshot else None,
        completion_period_end=snapshot.completion_period_end if snapshot else None,
        claimer_deadline=deadline,
        confirm_reason=snapshot.confirm_reason if snapshot else None,
        cancel_reason=snapshot.cancel_reason if snapshot else None,
        cancelled_by=snapshot.cancelled_by if snapshot else None,
        dict_last_modified=snapshot.last_modified if snapshot else None,
    )
