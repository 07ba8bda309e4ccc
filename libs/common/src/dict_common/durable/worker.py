"""A worker that stops when asked: polls no more, lets activities finish, then leaves."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

GRACE = timedelta(seconds=20)
"""Below the platform's termination grace of 30 s."""
ACTIVITIES_MAX = 50
WORKFLOW_TASKS_MAX = 20
WORKFLOWS_CACHED_MAX = 3_000
"""A thousand open claims, 0.1 MB a workflow. One that is not held is replayed when it is woken."""
WORKFLOW_POLLS = 10
FIRST_TASKS_SHARE = 0.5
"""Of the polls, for workflows that this worker does not hold yet. The SDK's 0.2 of 5 is one poll
for all that begins, and three workflows begin with a claim: they waited behind it for seconds."""


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker runs. `own_packages` are passed through the sandbox: reloading them for each
    workflow costs 70 ms and finds nothing, since contracts keep I/O out of them."""

    task_queue: str
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]
    own_packages: Sequence[str]


def sandbox(own_packages: Sequence[str]) -> SandboxedWorkflowRunner:
    """The sandbox of workers and of replays alike."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*own_packages)
    )


async def run_worker(
    client: Client, plan: WorkerPlan, stop: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Runs until `stop`; raises what made the worker fail."""
    worker = Worker(
        client,
        task_queue=plan.task_queue,
        workflows=plan.workflows,
        activities=plan.activities,
        workflow_runner=sandbox(plan.own_packages),
        graceful_shutdown_timeout=GRACE,
        max_concurrent_activities=ACTIVITIES_MAX,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_MAX,
        max_concurrent_workflow_task_polls=WORKFLOW_POLLS,
        nonsticky_to_sticky_poll_ratio=FIRST_TASKS_SHARE,
        max_cached_workflows=WORKFLOWS_CACHED_MAX,
    )
    running = asyncio.create_task(worker.run(), name="worker")
    stopped = asyncio.create_task(stop.wait())
    on_ready()
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not running.done():
        await worker.shutdown()
    await running
