"""MonitorStatusWorkflow: carries DICT's status to its parent until the claim is resolved.

One polling activity that comes again by its retry interval (6 h of claim days), instead of a timer
loop: a handful of history events for 30 days.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CLAIM_STATUS_SIGNAL,
        MONITOR_STATUS_WORKFLOW,
        POLL_CLAIM_STATUS,
        ClaimProcessInput,
        KnownClaim,
        Snapshot,
    )
    from claim_orchestrator.domain.deadlines import Calendar
    from claim_orchestrator.domain.transitions import is_terminal
    from claim_orchestrator.workflows.steps import STEP_TIMEOUT, BridgeCalls


@dataclass(frozen=True)
class MonitorInput:
    """Which claim, what of it is known, and whom to tell."""

    process: ClaimProcessInput
    dict_claim_id: UUID
    last_status: str
    parent_id: str


@workflow.defn(name=MONITOR_STATUS_WORKFLOW)
class MonitorStatusWorkflow:
    """Child of the claim's workflow; cancelled with it."""

    @workflow.run
    async def run(self, given: MonitorInput) -> str:
        """The terminal status that DICT showed in the end."""
        calls, last_status = BridgeCalls(given.process), given.last_status
        parent = workflow.get_external_workflow_handle(given.parent_id)
        while not is_terminal(last_status):
            news = await self._news(calls, given, last_status)
            last_status = news.status
            await parent.signal(CLAIM_STATUS_SIGNAL, news)
        return last_status

    async def _news(self, calls: BridgeCalls, given: MonitorInput, last_status: str) -> Snapshot:
        interval = Calendar(given.process.day_seconds).poll_interval()
        retry = RetryPolicy(
            initial_interval=max(interval, timedelta(milliseconds=100)), backoff_coefficient=1.0
        )
        news: Snapshot = await workflow.execute_activity(
            POLL_CLAIM_STATUS,
            KnownClaim(calls.step("GetClaim"), given.dict_claim_id, last_status),
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=retry,
            result_type=Snapshot,
        )
        return news
