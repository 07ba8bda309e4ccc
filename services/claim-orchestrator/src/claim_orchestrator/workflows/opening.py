"""Opening a claim at DICT, where createClaim knows no idempotency: an unanswered call may have
opened it, and is looked for before the claim is given up.
"""

import contextlib
from collections.abc import Sized
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import CREATE_CLAIM_GRPC, FIND_CLAIM_GRPC
    from claim_orchestrator.application.claim_records import ClaimRow, Look, Snapshot
    from claim_orchestrator.domain.claim import ResolutionType, WorkflowStatus
    from claim_orchestrator.domain.outcomes import ALREADY_EXISTS, Outcome
    from claim_orchestrator.workflows.journal import ACTIVITY_EXECUTED, Entry, event
    from claim_orchestrator.workflows.keeper import ClaimKeeper
    from claim_orchestrator.workflows.steps import SOON, Decided, decided, do
    from claim_orchestrator.workflows.telling import tell_users
    from dict_common.kernel.ids import time_of

LOOK_AFTER = timedelta(seconds=10)
"""DICT's list lags behind by up to 5 s: not scaled with the day."""
LOOKS_MAX = 3
LOOK_BACK_DAYS = 31
"""For a command whose id says no time: what is older than a claim's life is over."""
NOT_FOUND = "NotFound"
FAILED_BEFORE = "FailedBefore"
TAKEN = "DictClaimTaken"


class Opening:
    """One claim's way to OPEN, or to FAILED."""

    def __init__(self, keeper: ClaimKeeper, orders: Sized) -> None:
        """`orders`: of operators, that wait for the claim; a new one ends the wait for a look."""
        self._keeper = keeper
        self._orders = orders

    async def open(self) -> bool:
        """True once DICT has the claim and our row says so; False when it was refused."""
        opened: Snapshot | Decided | None = None
        if self._keeper.process.resumed:
            await self._keeper.reload()
            # A former run has named its calls from the row's versions up to this one.
            self._keeper.calls.counted = max(self._keeper.calls.counted, self._keeper.row.version)
            if self._keeper.row.shown is not None or self._keeper.ended:
                return not self._keeper.ended
            opened = await self._look_first()
        opened = opened or await self._create()
        while isinstance(opened, Snapshot):
            try:
                await self._keeper.arrive(opened)
            except ActivityError as error:
                if decided(error).outcome != TAKEN:
                    raise
                opened = await self._after_taken()
            else:
                return True
        await self._fail(opened)
        return False

    async def _after_taken(self) -> Snapshot | Decided:
        """Another claim of ours has it. A resumed one looks on: two may have looked at once."""
        if not self._keeper.process.resumed:
            return Decided(Outcome.REFUSE, ALREADY_EXISTS, "another claim of ours has it")
        return await self._look_first() or await self._create()

    async def _look_first(self) -> Snapshot | Decided | None:
        """A resumed claim may be open, or over, at DICT. Where the workflow before this one came
        to its end, it was refused or is over: opening it anew would be a second claim."""
        ended = self._keeper.process.ended
        if ended == WorkflowStatus.FAILED:
            return Decided(Outcome.REFUSE, FAILED_BEFORE, "DICT refused it, as was told before")
        if ended is None:
            return await self._find(self._first_send(), looks_max=1)
        return await self._find(self._first_send(), looks_max=None)

    async def _create(self) -> Snapshot | Decided:
        first_send = self._first_send()
        call = self._keeper.calls.step("CreateClaim", first_send)
        note = self._keeper.journal.note
        within = timedelta(seconds=self._keeper.process.create_retry_seconds)
        try:
            shown = await do(CREATE_CLAIM_GRPC, call, Snapshot, within=within, priority=SOON)
        except ActivityError as error:
            refused = decided(error)
            note(ACTIVITY_EXECUTED, CREATE_CLAIM_GRPC, refused.problem_type, call.request_id)
            ours = self._keeper.process.resumed and refused.problem_type == ALREADY_EXISTS
            if refused.outcome == Outcome.REFUSE and not ours:
                return refused
            # Whatever else it was, DICT has not refused: the claim may be open.
            return await self._find(first_send) or refused
        note(ACTIVITY_EXECUTED, CREATE_CLAIM_GRPC, shown.status, call.request_id)
        return shown

    def _first_send(self) -> datetime:
        """When createClaim can have been sent first: by a former run, from its command on."""
        now = workflow.now()
        if not self._keeper.process.resumed:
            return now
        asked_at = time_of(self._keeper.process.command_id)
        return min(now, asked_at or now - self._keeper.calendar.days(LOOK_BACK_DAYS))

    async def _find(
        self, since: datetime, looks_max: int | None = LOOKS_MAX
    ) -> Snapshot | Decided | None:
        """The claim that an unanswered call has opened. While DICT is away, or refuses the look,
        we do not know: that is kept as the claim's error, and looked again ever more rarely.
        `looks_max` None: DICT must have it, so the same where it is not found."""
        looked, failures, given = 0, 0, 0
        while looks_max is None or looked < looks_max:
            await self._wait(failures, given)
            given = len(self._orders)
            seen = await self._look(since)
            if isinstance(seen, Snapshot):
                return seen
            looked, failures = (looked + 1, 0) if seen is None else (looked, failures + 1)
            if seen is None and looks_max is None:
                seen, failures = Decided(Outcome.HOLD, NOT_FOUND, "DICT has no such claim"), looked
            if seen is not None and seen.outcome == Outcome.REFUSE:
                return seen
            if seen is not None:
                await self._keeper.hold(seen)
        return None

    async def _look(self, since: datetime) -> Snapshot | Decided | None:
        """One look, to the end of DICT's list: found, refused, or not there."""
        look, found, refused = Look(go_on=None), None, None
        while refused is None:
            call = self._keeper.calls.look_for(since, look.go_on)
            try:
                look = await do(FIND_CLAIM_GRPC, call, Look)
            except ActivityError as error:
                refused = decided(error)
            found = look.claim or found
            if look.go_on is None:
                break
        outcome = refused.problem_type if refused else found.status if found else NOT_FOUND
        self._keeper.journal.note(ACTIVITY_EXECUTED, FIND_CLAIM_GRPC, outcome, call.request_id)
        return refused or found

    async def _wait(self, failures: int, given: int) -> None:
        """For DICT's list; once it failed us, for longer, or until an operator orders a look.
        `given`: orders that were there before the last look."""
        if failures == 0:
            await workflow.sleep(LOOK_AFTER)
            return
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: len(self._orders) > given,
                timeout=max(LOOK_AFTER, self._keeper.calendar.again_after(failures)),
            )

    async def _fail(self, refused: Decided) -> None:
        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING:
                return None
            return Entry(
                status=WorkflowStatus.FAILED,
                intent=None,
                events=(event("claim.failed"),),
                resolution=ResolutionType.ERROR,
                reason=refused.problem_type,
                error_type=refused.problem_type,
                error_detail=refused.detail,
            )

        await self._keeper.journal.write(build)
        await tell_users(self._keeper.journal)
