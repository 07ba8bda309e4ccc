"""ClaimProcess over Temporal: started by name, idempotent by its id."""

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from claim_orchestrator.application.claim_process import (
    CREATE_CLAIM_WORKFLOW,
    SEARCH_CLAIM_ID,
    SEARCH_CLAIMER_ISPB,
    ClaimProcessInput,
    workflow_id,
)
from dict_common.durable.client import as_unavailable

CLAIM_ID = SearchAttributeKey.for_keyword(SEARCH_CLAIM_ID)
CLAIMER_ISPB = SearchAttributeKey.for_keyword(SEARCH_CLAIMER_ISPB)


class TemporalClaimProcess:
    """Starts the claimer's workflow."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, process: ClaimProcessInput) -> None:
        """A workflow that runs or has ended under this id is success. Raises Unavailable."""
        try:
            await self._client.start_workflow(
                CREATE_CLAIM_WORKFLOW,
                process,
                id=workflow_id(process.claim_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
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
