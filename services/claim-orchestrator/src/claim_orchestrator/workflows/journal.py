"""The workflow's pen: every change of the claim goes through here, with ids that it chose."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        RECORD_TRANSITION,
        SEARCH_CLAIM_STATUS,
        SEARCH_EXPIRES_AT,
        SEARCH_OWNER_ISPB,
        TRANSFER_ENTRY,
        ClaimProcessInput,
        PlannedEvent,
        PlannedStep,
        Recorded,
        Snapshot,
        Transition,
    )
    from claim_orchestrator.domain.claim import ResolutionType, WorkflowStatus
    from claim_orchestrator.domain.deadlines import Calendar
    from claim_orchestrator.domain.events import EntryTransferred
    from claim_orchestrator.workflows.steps import RETRY, STEP_TIMEOUT, this_process

_STATUS = SearchAttributeKey.for_keyword(SEARCH_CLAIM_STATUS)
_OWNER = SearchAttributeKey.for_keyword(SEARCH_OWNER_ISPB)
_EXPIRES_AT = SearchAttributeKey.for_datetime(SEARCH_EXPIRES_AT)

STALE_MAX = 10
"""A row that others keep changing this often is a defect, not a race."""

ACTIVITY_EXECUTED = "ACTIVITY_EXECUTED"
SIGNAL_RECEIVED = "SIGNAL_RECEIVED"


@dataclass(frozen=True)
class Entry:
    """What to write: our state and the names of the events that tell it."""

    status: WorkflowStatus
    events: tuple[str, ...]
    resolution: ResolutionType | None = None
    reason: str | None = None
    snapshot: Snapshot | None = None
    error_type: str | None = None
    error_detail: str | None = None


@dataclass
class Journal:
    """Writes entries in order; `version` follows the row."""

    process: ClaimProcessInput
    version: int = 0
    waiting: list[PlannedStep] = field(default_factory=list)
    """Steps that ride with the next entry."""

    def note(self, kind: str, name: str, outcome: str, request_id: str | None = None) -> None:
        """Remembers a step; it is written with the next change."""
        self.waiting.append(PlannedStep(workflow.uuid7(), kind, name, outcome, request_id))

    async def write(self, entry: Entry) -> Recorded:
        """One RecordTransition; repeated with the row's version if another writer was first."""
        recorded = await self._record(RECORD_TRANSITION, self._transition(entry))
        if entry.snapshot is not None:
            self._make_findable(entry.snapshot)
        return recorded

    async def transfer(self, entry: Entry, request_id: UUID) -> Recorded:
        """TransferEntry: tells Core and VSYNC that the entry is ours, with its CID's inputs."""
        planned = replace(
            self._transition(entry),
            complete_request_id=request_id,
            events=[PlannedEvent(workflow.uuid7(), EntryTransferred.NAME)],
        )
        return await self._record(TRANSFER_ENTRY, planned)

    def _make_findable(self, shown: Snapshot) -> None:
        """Temporal's lists show where the claim is and when it must be over."""
        deadline = Calendar(self.process.day_seconds).claimer_deadline(shown.resolution_period_end)
        updates: list[SearchAttributeUpdate[Any]] = [_STATUS.value_set(shown.status)]
        if shown.donor_ispb is not None:
            updates.append(_OWNER.value_set(shown.donor_ispb))
        if deadline is not None:
            updates.append(_EXPIRES_AT.value_set(deadline))
        workflow.upsert_search_attributes(updates)

    def _transition(self, entry: Entry) -> Transition:
        steps, self.waiting = self.waiting, []
        return Transition(
            process=self.process,
            by=this_process(),
            expected_version=self.version,
            at=workflow.now(),
            status=entry.status,
            resolution_type=entry.resolution,
            resolution_reason=entry.reason,
            snapshot=entry.snapshot,
            events=[PlannedEvent(workflow.uuid7(), name) for name in entry.events],
            steps=steps,
            error_type=entry.error_type,
            error_detail=entry.error_detail,
        )

    async def _record(self, activity: str, planned: Transition) -> Recorded:
        for _ in range(STALE_MAX):
            recorded: Recorded = await workflow.execute_activity(
                activity,
                planned,
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=RETRY,
                result_type=Recorded,
            )
            self.version = recorded.version
            if not recorded.stale:
                return recorded
            planned = replace(planned, expected_version=recorded.version)
        raise RuntimeError(
            f"row of claim {self.process.claim_id} changed {STALE_MAX} times under us"
        )
