"""An entry that DICT has lost is registered again: as long as DICT does not answer, it is tried."""

from datetime import timedelta

from temporalio import workflow

from vsync.application.sync_process import KEEP_ENTRY_WORKFLOW, REGISTER_ENTRY, KeepOrder
from vsync.workflows.steps import Calling, do

PATIENT = Calling(0, timedelta(seconds=60), longest_pause=timedelta(minutes=5))
"""A decision of a person is not given up for an outage."""


@workflow.defn(name=KEEP_ENTRY_WORKFLOW)
class KeepEntryWorkflow:
    """One for each registration of a review."""

    @workflow.run
    async def run(self, order: KeepOrder) -> str:
        """KEPT, DICT's problem type, or `over` where nothing was to be done any more."""
        return await do(REGISTER_ENTRY, order, str, PATIENT)
