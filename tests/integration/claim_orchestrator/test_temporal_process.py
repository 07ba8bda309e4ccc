"""What the consumer tells Temporal, on the real server: a claim's workflow that is started anew."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from claim_orchestrator.adapters.temporal_claim_process import TemporalClaimProcess
from claim_orchestrator.application.claim_process import CREATE_CLAIM_WORKFLOW, workflow_id
from claim_orchestrator.application.claim_records import ClaimProcessInput
from devstack.stack import Stack
from tests.support.claim_inputs import process_input
from tests.support.world import World, make_world


@workflow.defn(name=CREATE_CLAIM_WORKFLOW)
class EndsOnce:
    """In place of a claim's workflow: ends by itself, and waits once it is started anew."""

    @workflow.init
    def __init__(self, process: ClaimProcessInput) -> None:
        self._process = process

    @workflow.run
    async def run(self, _process: ClaimProcessInput) -> str:
        """CANCELLED."""
        await workflow.wait_condition(lambda: not self._process.resumed)
        return "CANCELLED"

    @workflow.query
    def ended(self) -> str | None:
        """What it was told."""
        return self._process.ended


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world without processes of ours."""
    with make_world(stack, tmp_path_factory.mktemp("process")) as made:
        yield made


@pytest_asyncio.fixture
async def client(world: World) -> AsyncIterator[Client]:
    """A client, and a worker of the world's task queue."""
    client = await world.temporal()
    queue = world.environment["DICT_TEMPORAL_TASK_QUEUE"]
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=queue, workflows=[EndsOnce], workflow_runner=runner):
        yield client


async def test_how_a_workflow_ended_is_told_to_all_that_follow_it(
    world: World, client: Client
) -> None:
    process = TemporalClaimProcess(client, world.environment["DICT_TEMPORAL_TASK_QUEUE"])
    given = process_input(uuid4())
    handle = client.get_workflow_handle(workflow_id(given.claim_id))
    await process.start(given)
    assert await handle.result() == "CANCELLED"
    for _ in range(2):
        await process.restart(replace(given, resumed=True))
        await process.restart(replace(given, resumed=True))  # it runs: nothing happens
        assert await told(handle) == "CANCELLED"
        await handle.terminate("lost")


async def test_workflow_that_was_lost_is_followed_by_one_that_knows_no_end(
    world: World, client: Client
) -> None:
    process = TemporalClaimProcess(client, world.environment["DICT_TEMPORAL_TASK_QUEUE"])
    given = replace(process_input(uuid4()), resumed=True)
    handle = client.get_workflow_handle(workflow_id(given.claim_id))
    for _ in range(2):  # never there; terminated
        await process.restart(given)
        assert await told(handle) is None
        await handle.terminate("lost")


async def told(handle: WorkflowHandle[object, object]) -> object:
    """`ended` of its input."""
    return await handle.query("ended")
