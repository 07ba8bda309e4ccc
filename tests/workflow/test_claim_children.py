"""Children that run already when the claim's workflow wants to start them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from claim_orchestrator.domain.claim import Role
from claim_orchestrator.workflows.expire_completion_period import ExpireInput
from claim_orchestrator.workflows.monitor_status import MonitorInput
from tests.support.claim_inputs import first_row
from tests.support.claim_scenes import LOST, opened, times
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble


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


def test_lost_workflow_is_resumed_where_the_row_says() -> None:
    """Even where createClaim's answer was lost, and the claim adopted: nothing is created again."""
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", LOST, 1)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(hours=1))
    stage.execution.closed = "TERMINATED"
    stage.resume()
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.finish()
    assert (stage.row.status, stage.effects("CreateClaim")) == ("COMPLETED", 1)
    assert stage.execution.closed == "COMPLETED"


def test_monitor_that_was_on_its_way_out_is_followed_by_another() -> None:
    """Resumed right after `temporal workflow terminate`: the former run's monitor still stands."""
    stage = opened()
    stage.execution.closed = "TERMINATED"
    stage.resume()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    stage.simulation.executions[f"claim-{CLAIM}-monitor"].closed = "CANCELLED"
    stage.run_to(stage.day(1))
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(2))
    assert stage.row.status == "COMPLETED"


def test_error_of_a_held_claim_stands_until_the_claim_moves() -> None:
    stage = opened()
    stage.directory.trouble = lambda name: (
        Trouble(("SomethingNew", 400)) if name == "CompleteClaim" else None
    )
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(3))
    stage.send("ACCEPT", uuid4(), stage.simulation.now_)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=5))
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] == "SomethingNew"
    stage.directory.trouble = lambda _: None
    stage.finish()
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] is None


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
