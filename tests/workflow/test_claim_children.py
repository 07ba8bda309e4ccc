"""Children that run already when the claim's workflow wants to start them."""

from datetime import timedelta

import pytest

from claim_orchestrator.workflows.expire_completion_period import ExpireInput
from claim_orchestrator.workflows.monitor_status import MonitorInput
from tests.support.claim_inputs import first_row
from tests.support.claim_scenes import opened
from tests.support.claim_simulation import CLAIM, ClaimStage


@pytest.mark.parametrize("child", ["monitor", "expire"])
def test_child_that_an_operator_has_started_is_let_be(child: str) -> None:
    stage = ClaimStage()
    stage.claims.add(first_row(CLAIM))
    kinds = {
        "monitor": ("MonitorStatusWorkflow", MonitorInput(CLAIM)),
        "expire": ("ExpireCompletionPeriodWorkflow", ExpireInput(CLAIM)),
    }
    stage.simulation.start(*kinds[child], f"claim-{CLAIM}-{child}")
    stage.begin()
    stage.finish()
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "TIMEOUT")
    assert stage.execution.closed == "COMPLETED"


def test_claims_workflow_that_starts_anew_finds_its_children_running() -> None:
    """As after `temporal workflow reset`: the former run's children are still there."""
    stage = opened()
    stage.run_to(stage.day(3))
    del stage.simulation.executions[f"claim-{CLAIM}"]
    stage.begin()
    stage.run_to(stage.day(4))
    assert stage.row.status == "RUNNING"
    stage.run_to(stage.day(30) + timedelta(hours=1))
    assert (stage.row.status, stage.effects("CancelClaim")) == ("CANCELLED", 1)
