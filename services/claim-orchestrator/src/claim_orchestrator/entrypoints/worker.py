"""The Temporal worker: `python -m claim_orchestrator.entrypoints.worker`."""

import asyncio

from claim_orchestrator.bootstrap.foundations import frame
from claim_orchestrator.bootstrap.worker import open_worker
from claim_orchestrator.workflows.create_claim import CreateClaimWorkflow
from claim_orchestrator.workflows.expire_completion_period import ExpireCompletionPeriodWorkflow
from claim_orchestrator.workflows.monitor_status import MonitorStatusWorkflow
from claim_orchestrator.workflows.resolution import CancelClaimWorkflow, CompleteClaimWorkflow
from dict_common.durable.worker import WorkerPlan, run_worker
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process

WORKFLOWS = (
    CreateClaimWorkflow,
    MonitorStatusWorkflow,
    ExpireCompletionPeriodWorkflow,
    CompleteClaimWorkflow,
    CancelClaimWorkflow,
)
OWN_PACKAGES = ("claim_orchestrator", "dict_common")


async def work(stop: asyncio.Event, health: Health) -> None:
    """Runs workflows and activities until asked to stop."""
    async with open_worker() as adapters:
        steps = adapters.activities
        plan = WorkerPlan(
            task_queue=adapters.base.shared.temporal_task_queue,
            workflows=WORKFLOWS,
            activities=steps.all(),
            own_packages=OWN_PACKAGES,
        )
        health.checks["postgres"] = adapters.base.database.ping

        def ready() -> None:
            health.started = True

        await run_worker(adapters.base.temporal, plan, stop, ready)


if __name__ == "__main__":
    run_process(lambda: frame("worker"), work)
