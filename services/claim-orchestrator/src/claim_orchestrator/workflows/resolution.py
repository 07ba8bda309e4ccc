"""CompleteClaimWorkflow and CancelClaimWorkflow: the call to DICT that ends a claim.

Both run under one id, `claim-{claim_id}-resolution`, which may be used again after a failure only:
so one at a time, whoever started it, and none after the claim has ended. They complete only when
DICT shows COMPLETED or CANCELLED, and fail with ResolutionNotApplicable otherwise.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CANCEL_CLAIM_GRPC,
        CANCEL_CLAIM_WORKFLOW,
        COMPLETE_CLAIM_GRPC,
        COMPLETE_CLAIM_WORKFLOW,
        PREPARE_COMPLETION,
    )
    from claim_orchestrator.application.claim_records import KnownClaim, Snapshot
    from claim_orchestrator.domain.claim import ClaimType
    from claim_orchestrator.domain.course import Cause, Kind, next_move
    from claim_orchestrator.domain.outcomes import Outcome
    from claim_orchestrator.workflows.journal import ACTIVITY_EXECUTED
    from claim_orchestrator.workflows.keeper import ClaimKeeper
    from claim_orchestrator.workflows.steps import Decided, decided, do

NOT_APPLICABLE = "ResolutionNotApplicable"
HELD_OFF_MAX = timedelta(minutes=10)
"""How far apart DICT's clock and ours may be: not scaled with the day."""


@dataclass(frozen=True)
class ResolutionInput:
    """Which claim. `reason`: Bacen's, for a cancellation started alone; one that was settled
    before stands."""

    claim_id: UUID
    reason: str | None = None


@workflow.defn(name=COMPLETE_CLAIM_WORKFLOW)
class CompleteClaimWorkflow:
    """Completes a CONFIRMED claim."""

    @workflow.run
    async def run(self, given: ResolutionInput) -> str:
        """The claim's final workflow status. Fails with ResolutionNotApplicable."""
        keeper = await _opened(given.claim_id)
        if keeper.ended:
            return keeper.row.status
        if keeper.process.type == ClaimType.OWNERSHIP:
            await keeper.learn_of_proofs()
        if not await _may(keeper, Kind.COMPLETE):
            if keeper.ended:
                return keeper.row.status
            raise _not_applicable("NotYet")
        # Stored before the call leaves: it is the HMAC key of the new entry's CID.
        request_id = await do(PREPARE_COMPLETION, keeper.process, UUID)
        known = KnownClaim(
            keeper.calls.step("CompleteClaim"),
            keeper.shown.dict_claim_id,
            complete_request_id=request_id,
            reread=keeper.calls.step("GetClaim"),
            held_off_until=workflow.now() + HELD_OFF_MAX,
        )
        await keeper.reload()
        return await _resolved(keeper, COMPLETE_CLAIM_GRPC, known)


@workflow.defn(name=CANCEL_CLAIM_WORKFLOW)
class CancelClaimWorkflow:
    """Cancels for the reason that was settled, or for the one it was started with."""

    @workflow.run
    async def run(self, given: ResolutionInput) -> str:
        """The claim's final workflow status. Fails with ResolutionNotApplicable."""
        keeper = await _opened(given.claim_id)
        if keeper.ended:
            return keeper.row.status
        if keeper.row.intent is None and given.reason is not None:
            await keeper.settle_for_operator(given.reason)
        intent = keeper.row.intent
        if intent is None:
            raise _not_applicable("ReasonNotAllowed")
        # It may have moved since: a default that DICT holds off comes again without end.
        if not await _may(keeper, Kind.CANCEL):
            if keeper.ended:
                return keeper.row.status
            raise _not_applicable("ClaimMovedOn")
        known = KnownClaim(
            keeper.calls.step("CancelClaim"),
            keeper.shown.dict_claim_id,
            cancel_reason=intent.reason,
            by_default=intent.cause == Cause.DEADLINE,
            last_shown=keeper.shown,
            reread=keeper.calls.step("GetClaim"),
            held_off_until=workflow.now() + HELD_OFF_MAX,
        )
        return await _resolved(keeper, CANCEL_CLAIM_GRPC, known)


async def _opened(claim_id: UUID) -> ClaimKeeper:
    keeper = await ClaimKeeper.load(claim_id)
    if not keeper.ended and keeper.row.shown is None:
        raise _not_applicable("ClaimNotOpen")
    return keeper


async def _may(keeper: ClaimKeeper, kind: Kind) -> bool:
    """Whoever started it: the same rules, period and proof of possession included."""
    if next_move(keeper.view(), workflow.now()).kind is kind:
        return True
    await keeper.reread()  # started alone, our row may be behind
    return not keeper.ended and next_move(keeper.view(), workflow.now()).kind is kind


async def _resolved(keeper: ClaimKeeper, activity: str, known: KnownClaim) -> str:
    request_id = known.step.request_id
    try:
        shown = await do(activity, known, Snapshot)
    except ActivityError as error:
        refused = decided(error)
        keeper.journal.note(ACTIVITY_EXECUTED, activity, refused.problem_type, request_id)
        await _after_refusal(keeper, refused)
        if keeper.ended:
            return keeper.row.status
        raise _not_applicable(refused.problem_type) from error
    keeper.journal.note(ACTIVITY_EXECUTED, activity, shown.status, request_id)
    await keeper.arrive(shown)
    if not keeper.ended:
        await keeper.reload()
    if not keeper.ended:
        raise _not_applicable(f"DictShows{shown.status}")
    return keeper.row.status


async def _after_refusal(keeper: ClaimKeeper, refused: Decided) -> None:
    """The claim is elsewhere, or nobody knows what to do: DICT is asked, the error is kept."""
    if refused.outcome == Outcome.REREAD:
        await keeper.reread()
    if not keeper.ended:
        await keeper.hold(refused)


def _not_applicable(problem: str) -> ApplicationError:
    return ApplicationError(problem, problem, type=NOT_APPLICABLE, non_retryable=True)
