"""CreateClaimWorkflow: one claim in the role of claimer, from DICT's OPEN to its end."""

import contextlib
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CLAIM_STATUS_SIGNAL,
        COMPLETE_CLAIM_GRPC,
        CREATE_CLAIM_GRPC,
        CREATE_CLAIM_WORKFLOW,
        GET_CLAIM_GRPC,
        MONITOR_STATUS_WORKFLOW,
        PREPARE_COMPLETION,
        ClaimProcessInput,
        KnownClaim,
        Snapshot,
        monitor_id,
    )
    from claim_orchestrator.domain.claim import DictStatus, ResolutionType, WorkflowStatus
    from claim_orchestrator.domain.deadlines import Calendar
    from claim_orchestrator.domain.outcomes import Outcome
    from claim_orchestrator.domain.transitions import CLAIMER, Step, moves_forward
    from claim_orchestrator.workflows.journal import (
        ACTIVITY_EXECUTED,
        SIGNAL_RECEIVED,
        Entry,
        Journal,
    )
    from claim_orchestrator.workflows.monitor_status import MonitorInput
    from claim_orchestrator.workflows.steps import (
        RETRY,
        STEP_TIMEOUT,
        BridgeCalls,
        Decided,
        decided,
    )


@workflow.defn(name=CREATE_CLAIM_WORKFLOW)
class CreateClaimWorkflow:
    """Ends when DICT's status is terminal, or when DICT refused to open the claim."""

    @workflow.init
    def __init__(self, process: ClaimProcessInput) -> None:
        self._process = process
        self._journal = Journal(process)
        self._calls = BridgeCalls(process)
        self._news: list[Snapshot] = []
        self._request_id: UUID | None = None

    @workflow.signal(name=CLAIM_STATUS_SIGNAL)
    def on_status(self, shown: Snapshot) -> None:
        """From the monitor: DICT shows another status."""
        self._journal.note(SIGNAL_RECEIVED, CLAIM_STATUS_SIGNAL, shown.status)
        self._news.append(shown)

    @workflow.run
    async def run(self, _process: ClaimProcessInput) -> str:
        """The claim's final workflow status."""
        opened = await self._open()
        if isinstance(opened, Decided):
            return await self._failed(opened)
        shown = await self._arrive(opened)
        monitor = await self._start_monitor(shown)
        while CLAIMER[DictStatus(shown.status)].next is not Step.END:
            if CLAIMER[DictStatus(shown.status)].next is Step.COMPLETE:
                await self._complete(shown)
            shown = await self._next(shown)
        if shown.status == DictStatus.COMPLETED:
            await self._transfer(shown)
        await self._stop(monitor)
        return CLAIMER[DictStatus(shown.status)].status

    async def _open(self) -> Snapshot | Decided:
        step = self._calls.step("CreateClaim")
        try:
            shown: Snapshot = await workflow.execute_activity(
                CREATE_CLAIM_GRPC,
                step,
                start_to_close_timeout=STEP_TIMEOUT,
                schedule_to_close_timeout=timedelta(seconds=self._process.create_retry_seconds),
                retry_policy=RETRY,
                result_type=Snapshot,
            )
        except ActivityError as error:
            refused = decided(error)
            self._journal.note(
                ACTIVITY_EXECUTED, CREATE_CLAIM_GRPC, refused.problem_type, step.request_id
            )
            return refused
        self._journal.note(ACTIVITY_EXECUTED, CREATE_CLAIM_GRPC, shown.status, step.request_id)
        return shown

    async def _failed(self, refused: Decided) -> str:
        await self._journal.write(
            Entry(
                status=WorkflowStatus.FAILED,
                events=("claim.failed",),
                resolution=ResolutionType.ERROR,
                reason=refused.problem_type,
                error_type=refused.problem_type,
                error_detail=refused.detail,
            )
        )
        return WorkflowStatus.FAILED

    async def _arrive(self, shown: Snapshot) -> Snapshot:
        """Records that DICT shows this status."""
        arrival = CLAIMER[DictStatus(shown.status)]
        await self._journal.write(
            Entry(
                status=arrival.status,
                events=(arrival.event,),
                resolution=arrival.resolution,
                reason=shown.cancel_reason,
                snapshot=shown,
            )
        )
        return shown

    async def _start_monitor(
        self, shown: Snapshot
    ) -> "workflow.ChildWorkflowHandle[object, object]":
        return await workflow.start_child_workflow(
            MONITOR_STATUS_WORKFLOW,
            MonitorInput(
                self._process, shown.dict_claim_id, shown.status, workflow.info().workflow_id
            ),
            id=monitor_id(self._process.claim_id),
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
        )

    @staticmethod
    async def _stop(monitor: "workflow.ChildWorkflowHandle[object, object]") -> None:
        """The claim leaves no child behind; the monitor may have ended by itself."""
        monitor.cancel()
        with contextlib.suppress(ChildWorkflowError):
            await monitor

    async def _next(self, shown: Snapshot) -> Snapshot:
        """Waits for news of DICT that go forward, and records them.

        Answers `shown` itself when its step is to be tried again.
        """
        again = self._attempt_after(shown)
        while True:
            if not self._news:
                with contextlib.suppress(TimeoutError):
                    await workflow.wait_condition(lambda: bool(self._news), timeout=again)
                if not self._news:
                    return shown
            news = self._news.pop(0)
            if moves_forward(shown.status, news.status):
                return await self._arrive(news)

    def _attempt_after(self, shown: Snapshot) -> timedelta | None:
        """A CONFIRMED claim is completed, however often that was refused: tried at each poll."""
        if CLAIMER[DictStatus(shown.status)].next is not Step.COMPLETE:
            return None
        return Calendar(self._process.day_seconds).poll_interval()

    async def _complete(self, shown: Snapshot) -> None:
        """Completes; what DICT shows afterwards is news. A held error waits for the monitor's."""
        if self._request_id is None:
            self._request_id = await workflow.execute_activity(
                PREPARE_COMPLETION,
                self._process,
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=RETRY,
                result_type=UUID,
            )
        step = self._calls.step("CompleteClaim")
        known = KnownClaim(step, shown.dict_claim_id, complete_request_id=self._request_id)
        try:
            completed: Snapshot = await workflow.execute_activity(
                COMPLETE_CLAIM_GRPC,
                known,
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=RETRY,
                result_type=Snapshot,
            )
        except ActivityError as error:
            await self._not_completed(shown, decided(error), step.request_id)
            return
        self._journal.note(
            ACTIVITY_EXECUTED, COMPLETE_CLAIM_GRPC, completed.status, step.request_id
        )
        self._news.append(completed)

    async def _not_completed(self, shown: Snapshot, refused: Decided, request_id: str) -> None:
        """Keeps the error with the row; after REREAD asks DICT where the claim is."""
        self._journal.note(ACTIVITY_EXECUTED, COMPLETE_CLAIM_GRPC, refused.problem_type, request_id)
        await self._journal.write(
            Entry(
                status=WorkflowStatus.RUNNING,
                events=(),
                snapshot=shown,
                error_type=refused.problem_type,
            )
        )
        if refused.outcome != Outcome.REREAD:
            return
        with contextlib.suppress(ActivityError):  # refused too: held until the next attempt
            reread: Snapshot = await workflow.execute_activity(
                GET_CLAIM_GRPC,
                KnownClaim(self._calls.step("GetClaim"), shown.dict_claim_id),
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=RETRY,
                result_type=Snapshot,
            )
            self._news.append(reread)

    async def _transfer(self, shown: Snapshot) -> None:
        """Announces the new entry. A claim that others completed has no RequestId of ours."""
        if self._request_id is None:
            self._journal.note(ACTIVITY_EXECUTED, "TransferEntry", "RequestIdUnknown")
            await self._journal.write(
                Entry(WorkflowStatus.COMPLETED, (), ResolutionType.APPROVED, snapshot=shown)
            )
            return
        entry = Entry(WorkflowStatus.COMPLETED, (), ResolutionType.APPROVED, snapshot=shown)
        await self._journal.transfer(entry, self._request_id)
