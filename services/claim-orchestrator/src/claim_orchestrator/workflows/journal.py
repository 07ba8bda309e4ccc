"""The workflow's pen: every change of the claim goes through here, with ids that it chose.

Several executions may write one claim (its workflow, a resolution, the dead-man switch). An entry
is therefore built from the row as it stands: whoever was overtaken builds it anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_news import is_behind
    from claim_orchestrator.application.claim_process import (
        RECORD_TRANSITION,
        SEARCH_CLAIM_STATUS,
        SEARCH_EXPIRES_AT,
        SEARCH_OWNER_ISPB,
        TRANSFER_ENTRY,
    )
    from claim_orchestrator.application.claim_records import (
        ClaimProcessInput,
        ClaimRow,
        DecisionVerdict,
        LoadedClaim,
        PlannedEvent,
        PlannedStep,
        Recorded,
        SettledIntent,
        Snapshot,
        Transition,
    )
    from claim_orchestrator.domain.claim import ResolutionType, WorkflowStatus
    from claim_orchestrator.domain.deadlines import Calendar
    from claim_orchestrator.domain.events import EntryTransferred
    from claim_orchestrator.workflows.steps import LATER, do, this_process

_STATUS = SearchAttributeKey.for_keyword(SEARCH_CLAIM_STATUS)
_OWNER = SearchAttributeKey.for_keyword(SEARCH_OWNER_ISPB)
_EXPIRES_AT = SearchAttributeKey.for_datetime(SEARCH_EXPIRES_AT)

STALE_MAX = 10
"""A row that others keep changing this often is a defect, not a race."""

ACTIVITY_EXECUTED = "ACTIVITY_EXECUTED"
SIGNAL_RECEIVED = "SIGNAL_RECEIVED"
TIMER_FIRED = "TIMER_FIRED"
UPDATE_REFUSED = "UPDATE_REFUSED"


@dataclass(frozen=True)
class Entry:
    """What to write: our state, the events that tell it, the steps that led there.

    `intent`: the cancellation that stands afterwards; None takes away the one that stood.
    """

    status: str
    intent: SettledIntent | None
    events: tuple[PlannedEvent, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    resolution: ResolutionType | None = None
    reason: str | None = None
    snapshot: Snapshot | None = None
    error_type: str | None = None
    error_detail: str | None = None
    verdicts: tuple[DecisionVerdict, ...] = ()


Build = Callable[[ClaimRow], Entry | None]
"""An entry for the row as it stands; None: nothing is left to write."""


def unchanged(row: ClaimRow, **changes: Any) -> Entry:
    """An entry that leaves the claim where it is."""
    return Entry(**({"status": row.status, "intent": row.intent, "snapshot": row.shown} | changes))


def step(
    kind: str, name: str, outcome: str, request_id: str | None = None, detail: str | None = None
) -> PlannedStep:
    """A `workflow.step`."""
    return PlannedStep(workflow.uuid7(), kind, name, outcome, request_id, detail)


def event(name: str, **details: Any) -> PlannedEvent:
    """An event to record."""
    return PlannedEvent(workflow.uuid7(), name, **details)


@dataclass
class Journal:
    """Writes entries in order; `row` follows the database. `findable`: it is this execution that
    Temporal's lists show for the claim."""

    process: ClaimProcessInput
    row: ClaimRow
    arrives: Callable[[ClaimRow, Snapshot], Entry]
    """What tells of DICT's state: for a row that has forgotten it."""
    findable: bool = False
    waiting: list[PlannedStep] = field(default_factory=list)
    """Steps that ride with the next entry."""
    mail: bool = True
    """Whether decisions or proofs lay there at the last entry."""
    _found: dict[str, object] = field(default_factory=dict)
    """What Temporal's lists show of the claim."""

    def note(
        self,
        kind: str,
        name: str,
        outcome: str,
        request_id: str | None = None,
    ) -> None:
        """Remembers a step; it is written with the next change."""
        self.waiting.append(step(kind, name, outcome, request_id))

    async def write(self, build: Build) -> bool:
        """Records what `build` makes of the row; False when it makes nothing of it."""
        for _ in range(STALE_MAX):
            entry = build(self.row)
            if entry is None:
                return False
            steps = [*self.waiting, *entry.steps]
            transfers = any(it.name == EntryTransferred.NAME for it in entry.events)
            activity = TRANSFER_ENTRY if transfers else RECORD_TRANSITION
            known = self.row.shown
            recorded = await do(activity, self._transition(entry, steps), Recorded, priority=LATER)
            self.row, self.mail = recorded.row, recorded.mail
            if not recorded.stale:
                # Steps noted while it was written wait for the next entry.
                self.waiting = [it for it in self.waiting if it not in steps]
                self._make_findable(entry)
                return True
            await self.recall(known)
        raise RuntimeError(
            f"row of claim {self.process.claim_id} changed {STALE_MAX} times under us"
        )

    def take_over(self, loaded: LoadedClaim) -> ClaimProcessInput:
        """The row as the database has it, which may have met the person anew after a backup."""
        self.row = loaded.row
        self.process = replace(self.process, subject_id=loaded.process.subject_id)
        return self.process

    async def recall(self, known: Snapshot | None) -> None:
        """A row from a backup that is older than the claim at DICT: it is told of that again,
        before anybody judges by it."""
        if known is None:
            return

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING or not is_behind(row.shown, known):
                return None
            return self.arrives(row, known)

        await self.write(build)

    async def flush(self) -> None:
        """Writes steps that wait."""
        if self.waiting:
            await self.write(unchanged)

    def _make_findable(self, entry: Entry) -> None:
        """Temporal's lists show where the claim is and when it must be over."""
        shown = entry.snapshot
        if not self.findable or shown is None or entry.status != WorkflowStatus.RUNNING:
            return
        deadline = Calendar(self.process.day_seconds).claimer_deadline(shown.resolution_period_end)
        updates: list[SearchAttributeUpdate[Any]] = [_STATUS.value_set(shown.status)]
        if shown.donor_ispb is not None:
            updates.append(_OWNER.value_set(shown.donor_ispb))
        if deadline is not None:
            updates.append(_EXPIRES_AT.value_set(deadline))
        news = [it for it in updates if self._found.get(it.key.name) != it.value]
        if news:
            self._found |= {it.key.name: it.value for it in news}
            workflow.upsert_search_attributes(news)

    def _transition(self, entry: Entry, steps: list[PlannedStep]) -> Transition:
        return Transition(
            process=self.process,
            by=this_process(),
            expected_version=self.row.version,
            at=workflow.now(),
            status=entry.status,
            resolution_type=entry.resolution,
            resolution_reason=entry.reason,
            snapshot=entry.snapshot,
            events=list(entry.events),
            steps=steps,
            error_type=entry.error_type,
            error_detail=entry.error_detail,
            intent=entry.intent,
            verdicts=list(entry.verdicts),
            complete_request_id=self.row.complete_request_id,
        )
