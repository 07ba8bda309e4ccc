"""ClaimProcess over Temporal: started by name, woken by signal, idempotent by its id."""

from dataclasses import replace
from uuid import UUID

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from claim_orchestrator.application.claim_process import (
    CLAIM_MAIL_SIGNAL,
    CLAIM_OPERATOR_SIGNAL,
    CREATE_CLAIM_WORKFLOW,
    SEARCH_CLAIM_ID,
    SEARCH_CLAIMER_ISPB,
    workflow_id,
)
from claim_orchestrator.application.claim_records import ClaimProcessInput, OperatorOrder
from dict_common.durable.client import as_unavailable

CLAIM_ID = SearchAttributeKey.for_keyword(SEARCH_CLAIM_ID)
CLAIMER_ISPB = SearchAttributeKey.for_keyword(SEARCH_CLAIMER_ISPB)
ENDED = "ended"
"""Memo of a workflow that follows one which ended by itself: how."""


class TemporalClaimProcess:
    """The claimer's workflows, as the consumer reaches them. Raises Unavailable."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, process: ClaimProcessInput) -> None:
        """A workflow that runs or has ended under this id is success."""
        await self._start(process, WorkflowIDReusePolicy.REJECT_DUPLICATE)

    async def restart(self, process: ClaimProcessInput) -> None:
        """A workflow that runs under this id is success; one that has ended is followed by another,
        which finds the claim as its row has it."""
        ended = await self._end_of(workflow_id(process.claim_id))
        await self._start(replace(process, ended=ended), WorkflowIDReusePolicy.ALLOW_DUPLICATE)

    async def _end_of(self, id_: str) -> str | None:
        """How the claim's workflow ended by itself: the last one, or one that it was told of."""
        try:
            last = await self._client.get_workflow_handle(id_).describe()
            if last.status is WorkflowExecutionStatus.COMPLETED:
                run = self._client.get_workflow_handle(id_, run_id=last.run_id)
                return str(await run.result(follow_runs=False))
            told: str | None = await last.memo_value(ENDED, None, type_hint=str)
            return told
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND or _is_namespace(error):
                raise as_unavailable(error) from error
        return None

    async def _start(self, process: ClaimProcessInput, reuse: WorkflowIDReusePolicy) -> None:
        try:
            await self._client.start_workflow(
                CREATE_CLAIM_WORKFLOW,
                process,
                id=workflow_id(process.claim_id),
                task_queue=self._task_queue,
                id_reuse_policy=reuse,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                memo=None if process.ended is None else {ENDED: process.ended},
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(CLAIM_ID, str(process.claim_id)),
                        SearchAttributePair(CLAIMER_ISPB, process.participant),
                    ]
                ),
            )
        except WorkflowAlreadyStartedError:
            return
        except RPCError as error:
            raise as_unavailable(error) from error

    async def wake(self, claim_id: UUID) -> None:
        """A workflow that does not run yet reads its mail when it starts."""
        await self._signal(claim_id, CLAIM_MAIL_SIGNAL)

    async def order(self, claim_id: UUID, order: OperatorOrder) -> bool:
        """False when no workflow of the claim runs."""
        return await self._signal(claim_id, CLAIM_OPERATOR_SIGNAL, order)

    async def _signal(self, claim_id: UUID, name: str, *argument: object) -> bool:
        """False when no workflow of that id runs."""
        handle = self._client.get_workflow_handle(workflow_id(claim_id))
        try:
            await handle.signal(name, args=list(argument))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not _is_namespace(error):
                return False
            raise as_unavailable(error) from error
        return True


def _is_namespace(error: RPCError) -> bool:
    """Temporal says NOT_FOUND for a workflow that has ended and for a namespace that is missing."""
    wanted = NamespaceNotFoundFailure.DESCRIPTOR
    return any(detail.Is(wanted) for detail in error.grpc_status.details)
