"""How a claim's processes start one another: every child may be there already."""

import asyncio
import contextlib
from uuid import UUID

from temporalio import workflow
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import ChildWorkflowError
from temporalio.exceptions import WorkflowAlreadyStartedError as AlreadyStarted
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import (
        CANCEL_CLAIM_WORKFLOW,
        COMPLETE_CLAIM_WORKFLOW,
        resolution_id,
    )
    from claim_orchestrator.workflows.resolution import ResolutionInput
Child = workflow.ChildWorkflowHandle[object, object]


async def begun(
    name: str,
    given: object,
    id_: str,
    policy: ParentClosePolicy,
    priority: Priority = Priority.default,
) -> Child | None:
    """A child; None when one of that id runs already: an operator's, or a former run's after a
    reset. It does the same work."""
    try:
        return await workflow.start_child_workflow(
            name, given, id=id_, parent_close_policy=policy, priority=priority
        )
    except AlreadyStarted:
        return None


async def resolving(claim_id: UUID, *, completes: bool) -> Child | None:
    """Completes or cancels under the one id; None when somebody is at it, or has done it."""
    try:
        return await workflow.start_child_workflow(
            COMPLETE_CLAIM_WORKFLOW if completes else CANCEL_CLAIM_WORKFLOW,
            ResolutionInput(claim_id),
            id=resolution_id(claim_id),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
    except AlreadyStarted:
        return None


async def stopped(child: Child | None) -> None:
    """The claim leaves no child behind; one may have ended by itself."""
    if child is None:
        return
    child.cancel()
    with contextlib.suppress(ChildWorkflowError):
        await child


def unheard(child: asyncio.Task[object]) -> None:
    """An end that nobody looks at would be logged as an error, with the texts of others in it."""
    if not child.cancelled():
        child.exception()
