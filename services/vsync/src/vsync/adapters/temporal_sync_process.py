"""SyncProcess over Temporal: idempotent by the workflow's id."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from dict_common.durable.client import as_unavailable
from vsync.application.sync_process import VSYNC_WORKFLOW, VSyncInput


class TemporalSyncProcess:
    """Runs, as the consumer starts them. Raises Unavailable."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, workflow_id: str, asked: VSyncInput) -> None:
        """A workflow that runs or has ended under this id is success."""
        try:
            await self._client.start_workflow(
                VSYNC_WORKFLOW,
                asked,
                id=workflow_id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return
        except RPCError as error:
            raise as_unavailable(error) from error
