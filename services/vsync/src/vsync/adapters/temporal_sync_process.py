"""SyncProcess over Temporal: idempotent by the workflow's id."""

from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from dict_common.durable.client import as_unavailable
from vsync.application.sync_process import (
    KEEP_ENTRY_WORKFLOW,
    VSYNC_WORKFLOW,
    KeepOrder,
    VSyncInput,
    keep_workflow_id,
)


class TemporalSyncProcess:
    """Runs, as the consumer starts them. Raises Unavailable."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def keep(self, review_id: UUID, number: int) -> None:
        """A registration that runs or has ended is success."""
        await self._start(
            KEEP_ENTRY_WORKFLOW, KeepOrder(review_id, number), keep_workflow_id(review_id, number)
        )

    async def start(self, workflow_id: str, asked: VSyncInput) -> None:
        """A workflow that runs or has ended under this id is success."""
        await self._start(VSYNC_WORKFLOW, asked, workflow_id)

    async def _start(self, name: str, argument: object, workflow_id: str) -> None:
        try:
            await self._client.start_workflow(
                name,
                argument,
                id=workflow_id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return
        except RPCError as error:
            raise as_unavailable(error) from error
