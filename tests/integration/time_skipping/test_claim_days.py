"""A claim's real thirty days, parent and children, on Temporal's time-skipping server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.await_decisions import AwaitDecisions
from claim_orchestrator.application.claim_desk import ClaimDesk
from claim_orchestrator.application.claim_process import (
    CLAIM_DECISION_SIGNAL,
    CREATE_CLAIM_WORKFLOW,
    workflow_id,
)
from claim_orchestrator.application.claim_records import ClaimRow
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.entrypoints.worker import OWN_PACKAGES, WORKFLOWS
from dict_common.durable.worker import sandbox
from tests.support.claim_fakes import ClearSealer, InMemoryClaims
from tests.support.claim_inputs import POLICY, first_row, process_input
from tests.support.claim_simulation import Broker, ClearComposer, Told
from tests.support.ruled_directory import RuledDirectory
from tests.support.time_skipping import time_skipping

QUEUE = "claim-days"


class ServerClock:
    """The server's time, as the running activity knows it."""

    def now(self) -> datetime:
        """When the attempt began there."""
        return activity.info().started_time if activity.in_activity() else datetime.now(UTC)


class Days:
    """A server, a worker with the real workflows, and a DICT with Bacen's rules."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self.env = env
        self.clock = ServerClock()
        self.directory = RuledDirectory(self.clock, uuid4, POLICY.day_seconds)
        self.claims = InMemoryClaims()
        rest = ClearSealer()
        self.steps = ClaimActivities(
            AskDirectory(self.directory, self.claims, rest, uuid4),
            RecordTransition(self.claims, ClearComposer(), rest, lambda: None),
            ClaimDesk(self.claims, Told(), POLICY),
            AwaitDecisions(Broker(), self.clock),
            self.clock,
        )

    async def open(self, claim_type: str) -> tuple[UUID, WorkflowHandle[object, str]]:
        """A claim under way."""
        claim_id = uuid4()
        self.claims.add(first_row(claim_id, claim_type))
        handle = await self.env.client.start_workflow(
            CREATE_CLAIM_WORKFLOW,
            process_input(claim_id, claim_type),
            id=workflow_id(claim_id),
            task_queue=QUEUE,
            result_type=str,
        )
        return claim_id, handle

    def row(self, claim_id: UUID) -> ClaimRow:
        """Its row."""
        return self.claims.rows[claim_id, Role.CLAIMER]


@asynccontextmanager
async def days(folder: Path) -> AsyncIterator[Days]:
    """Thirty of them pass in seconds."""
    async with time_skipping(folder) as env:
        made = Days(env)
        async with Worker(
            env.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=made.steps.all(),
            workflow_runner=sandbox(OWN_PACKAGES),
        ):
            yield made


@pytest.mark.parametrize("claim_type", ["PORTABILITY", "OWNERSHIP"])
async def test_thirty_days_pass_and_the_claim_cancels_itself(
    tmp_path: Path, claim_type: str
) -> None:
    async with days(tmp_path) as made:
        began = await made.env.get_current_time()
        claim_id, handle = await made.open(claim_type)
        assert await handle.result() == "CANCELLED"
        assert made.row(claim_id).resolution_type == "TIMEOUT"
        (claim,) = made.directory.claims.values()
        acted = claim.last_modified - began
        assert timedelta(days=30) <= acted < timedelta(days=30, minutes=2)
        for child in ("monitor", "expire", "resolution"):
            described = await made.env.client.get_workflow_handle(
                f"{workflow_id(claim_id)}-{child}"
            ).describe()
            assert described.close_time is not None, child


async def test_one_day_before_the_end_the_user_still_decides(tmp_path: Path) -> None:
    async with days(tmp_path) as made:
        claim_id, handle = await made.open("PORTABILITY")
        await made.env.sleep(timedelta(days=29, hours=23))
        assert made.row(claim_id).status == "RUNNING"
        await handle.signal(CLAIM_DECISION_SIGNAL, False)
        assert await handle.result() == "CANCELLED"
        assert made.row(claim_id).resolution_type == "CANCELLED"
