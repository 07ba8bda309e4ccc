"""The Temporal worker: `python -m vsync.entrypoints.worker`."""

import asyncio

from dict_common.bus.together import every, run_together
from dict_common.durable.worker import WorkerPlan, run_worker
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from vsync.bootstrap.foundations import frame
from vsync.bootstrap.worker import open_worker
from vsync.workflows.keep_entry import KeepEntryWorkflow
from vsync.workflows.sync_participants import VSyncSchedulerWorkflow, VSyncWorkflow
from vsync.workflows.sync_set import VSyncSetWorkflow

WORKFLOWS = (VSyncWorkflow, VSyncSchedulerWorkflow, VSyncSetWorkflow, KeepEntryWorkflow)
OWN_PACKAGES = ("vsync", "dict_common")
LOOK_EVERY_SECONDS = 30.0
PURGE_EVERY_SECONDS = 60.0
PURGED_ROWS_MAX = 1_000


async def work(stop: asyncio.Event, health: Health) -> None:
    """Runs workflows and activities until asked to stop."""
    async with open_worker() as adapters:
        plan = WorkerPlan(
            task_queue=adapters.base.own.task_queue,
            workflows=WORKFLOWS,
            activities=adapters.activities.all(),
            own_packages=OWN_PACKAGES,
        )
        health.checks["postgres"] = adapters.base.database.ping

        def ready() -> None:
            health.started = True

        async def run(ending: asyncio.Event) -> None:
            await run_worker(adapters.base.temporal, plan, ending, ready)

        async def purge() -> None:
            await adapters.purge(PURGED_ROWS_MAX)

        look = every(LOOK_EVERY_SECONDS, adapters.gauges.look, "look")
        await run_together((run, look, every(PURGE_EVERY_SECONDS, purge, "purge")), stop)


if __name__ == "__main__":
    run_process(lambda: frame("worker"), work)
