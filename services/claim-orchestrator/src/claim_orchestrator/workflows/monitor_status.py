"""MonitorStatusWorkflow: carries what DICT shows to the claim's workflow until the claim is over.

One polling activity that comes again by its retry interval (6 h of claim days), instead of a timer
loop: a handful of history events for 30 days. Where no workflow of the claim runs, it records the
news itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CLAIM_STATUS_SIGNAL,
        MONITOR_STATUS_WORKFLOW,
        POLL_CLAIM_STATUS,
        workflow_id,
    )
    from claim_orchestrator.application.claim_records import KnownClaim, LoadedClaim, Snapshot
    from claim_orchestrator.domain.transitions import is_terminal
    from claim_orchestrator.workflows.keeper import ClaimKeeper
    from claim_orchestrator.workflows.steps import do


@dataclass(frozen=True)
class MonitorInput:
    """Which claim. `opened`: as DICT has just opened it, so that no poll is due yet."""

    claim_id: UUID
    opened: LoadedClaim | None = None


@workflow.defn(name=MONITOR_STATUS_WORKFLOW)
class MonitorStatusWorkflow:
    """Child of the claim's workflow, and cancelled with it; or started alone."""

    @workflow.run
    async def run(self, given: MonitorInput) -> str:
        """The terminal status that DICT showed in the end."""
        if given.opened is None:
            keeper = await ClaimKeeper.load(given.claim_id)
        else:
            keeper = ClaimKeeper(given.opened.process, given.opened.row, findable=False)
        interval = max(keeper.calendar.poll_interval(), timedelta(milliseconds=100))
        if given.opened is not None:
            await workflow.sleep(interval)
        while keeper.row.shown is None and not keeper.ended:
            await workflow.sleep(interval)
            await keeper.reload()
        if keeper.row.shown is None:
            return keeper.row.status
        retry = RetryPolicy(initial_interval=interval, backoff_coefficient=1.0)
        shown = keeper.shown
        while not is_terminal(shown.status):
            known = KnownClaim(keeper.calls.step("GetClaim"), shown.dict_claim_id, last_shown=shown)
            shown = await do(POLL_CLAIM_STATUS, known, Snapshot, retry)
            await self._tell(keeper, shown)
        return shown.status

    @staticmethod
    async def _tell(keeper: ClaimKeeper, shown: Snapshot) -> None:
        parent = workflow.get_external_workflow_handle(workflow_id(keeper.process.claim_id))
        try:
            await parent.signal(CLAIM_STATUS_SIGNAL, shown)
        except ApplicationError:  # it does not run
            await keeper.reload()
            await keeper.arrive(shown)
