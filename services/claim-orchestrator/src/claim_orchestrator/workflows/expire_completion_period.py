"""ExpireCompletionPeriodWorkflow: the dead-man switch behind a claim's deadline.

It outlives the claim's workflow, looks 15 minutes after the deadline, and acts only if the claim
is still open then: by the same rules, the same decisions and the same resolution id.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        EXPIRE_COMPLETION_PERIOD_WORKFLOW,
    )
    from claim_orchestrator.domain.course import Kind, next_move
    from claim_orchestrator.workflows.children import resolving, unheard
    from claim_orchestrator.workflows.keeper import ClaimKeeper


@dataclass(frozen=True)
class ExpireInput:
    """Which claim. `look_at`: when to look at it first; at once if left out."""

    claim_id: UUID
    look_at: datetime | None = None


@workflow.defn(name=EXPIRE_COMPLETION_PERIOD_WORKFLOW)
class ExpireCompletionPeriodWorkflow:
    """Ends with the claim."""

    @workflow.run
    async def run(self, given: ExpireInput) -> str:
        """The claim's workflow status when nothing was left to do."""
        if given.look_at is not None:
            await self._until(given.look_at)
        keeper = await ClaimKeeper.load(given.claim_id)
        failures = 0
        while not keeper.ended:
            # DICT moves dates; a claim that it does not know yet has none.
            deadline = keeper.deadline()
            if deadline is None:
                await workflow.sleep(keeper.calendar.poll_interval())
            elif workflow.now() < keeper.calendar.switch_at(deadline):
                await self._until(keeper.calendar.switch_at(deadline))
            else:
                await self._act(keeper, deadline)
                failures += 1
                await workflow.sleep(keeper.calendar.again_after(failures))
            await keeper.reload()
        return keeper.row.status

    @staticmethod
    async def _until(instant: datetime) -> None:
        wait = instant - workflow.now()
        if wait.total_seconds() > 0:
            await workflow.sleep(wait)

    @staticmethod
    async def _act(keeper: ClaimKeeper, deadline: datetime) -> None:
        await keeper.reread()
        if keeper.ended:
            return
        await keeper.read_mail(resolving=False)
        move = next_move(keeper.view(), workflow.now())
        if move.kind is Kind.DROP_INTENT:
            await keeper.drop_intent()
            move = next_move(keeper.view(), workflow.now())
        if move.kind is Kind.EXPIRE:
            await keeper.pass_deadline(deadline)
            if keeper.ended:
                return
            move = next_move(keeper.view(), workflow.now())
        if move.kind not in (Kind.COMPLETE, Kind.CANCEL):
            return
        claim_id = keeper.process.claim_id
        child = await resolving(claim_id, completes=move.kind is Kind.COMPLETE)
        if child is None:
            return  # somebody is at it
        # It is not waited for: where it leaves the claim, DICT and the row will tell.
        child.add_done_callback(unheard)
