"""A claim that is held, resumed, cancelled by an operator, or left to its children; restarts."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from claim_orchestrator.application.claim_process import (
    CLAIM_OPERATOR_SIGNAL,
    CLAIM_STATUS_SIGNAL,
    LOAD_CLAIM,
    monitor_id,
    resolution_id,
    workflow_id,
)
from claim_orchestrator.application.claim_records import OperatorOrder
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.workflows.expire_completion_period import ExpireInput
from claim_orchestrator.workflows.monitor_status import MonitorInput
from claim_orchestrator.workflows.resolution import ResolutionInput
from tests.support.claim_scenes import LOST, SILENCE, TYPES, opened, refused, times
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble
from tests.support.workflow_simulation import Chance

# ---- Held, resumed, operators -----


def test_refusal_that_nobody_understands_is_held_and_tried_again() -> None:
    stage = opened()
    stage.directory.trouble = times("CompleteClaim", refused("SomethingNew", 400), 3)
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(0.2502))  # half a minute after the first poll
    assert stage.row.status == "RUNNING"
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] == "SomethingNew"
    stage.finish()
    assert stage.row.status == "COMPLETED"
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] is None


def test_operator_resumes_a_held_claim_at_once() -> None:
    stage = opened()
    away = [True]
    stage.directory.trouble = lambda name: (
        refused("SomethingNew", 400) if name == "CompleteClaim" and away[0] else None
    )
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(3))
    away[0] = False
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, OperatorOrder(uuid4(), "R"))
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.row.status == "COMPLETED"


@pytest.mark.parametrize(
    ("reason", "ends"), [("FRAUD", "CANCELLED"), ("USER_REQUESTED", "RUNNING")]
)
def test_operator_cancels_a_held_claim_where_bacen_lets_him(reason: str, ends: str) -> None:
    stage = opened()
    stage.directory.trouble = lambda name: (
        refused("SomethingNew", 400) if name == "CompleteClaim" else None
    )
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(3))
    order = OperatorOrder(uuid4(), "CLAIM_CANCEL", reason)
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
    stage.run_to(stage.day(4))
    assert stage.row.status == ends


@pytest.mark.parametrize("taken", [True, False])
def test_order_beside_a_completion_on_its_way_waits_for_its_answer(taken: bool) -> None:
    stage = opened()
    answers = [SILENCE] * 5 + ([] if taken else [refused("SomethingNew", 400)] * 100)
    troubles = iter(answers)
    stage.directory.trouble = lambda name: next(troubles, None) if name == "CompleteClaim" else None
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    while resolution_id(CLAIM) not in stage.simulation.executions:
        stage.run_to(stage.simulation.now_ + timedelta(seconds=1))
    order = OperatorOrder(uuid4(), "CLAIM_CANCEL", "FRAUD")
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=1))
    assert stage.row.intent is None
    stage.finish()
    assert (stage.row.status, stage.effects("CompleteClaim"), stage.effects("CancelClaim")) == (
        ("COMPLETED", 1, 0) if taken else ("CANCELLED", 0, 1)
    )
    refusal, obeyed = ("UPDATE_REFUSED", "CLAIM_CANCEL"), ("SIGNAL_RECEIVED", "FRAUD")
    assert stage.noted(CLAIM_OPERATOR_SIGNAL) == [refusal if taken else obeyed]


@pytest.mark.parametrize("opened_before_the_backup", [True, False])
def test_resumed_claim_tells_again_what_a_restored_backup_forgot(
    opened_before_the_backup: bool,
) -> None:
    stage, key = opened(), (CLAIM, Role.CLAIMER)
    backup = stage.row if opened_before_the_backup else replace(stage.row, version=0, shown=None)
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    assert stage.events == ["claim.created", "claim.acknowledged"]
    stage.claims.rows[key] = backup
    stage.claims.events = [it for it in stage.claims.events if it[0] <= backup.version]
    stage.run_to(stage.day(2))
    assert stage.row == backup
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, OperatorOrder(uuid4(), "R"))
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.row.shown is not None
    assert stage.row.shown.status == "WAITING_RESOLUTION"
    stage.finish()


def test_operator_cannot_take_the_deadlines_reason() -> None:
    stage, decision = opened("OWNERSHIP"), uuid4()
    order = OperatorOrder(uuid4(), "CLAIM_CANCEL", "DEFAULT_OPERATION")
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
    stage.run_to(stage.day(3))
    assert stage.row.intent is None
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.finish()
    assert stage.claims.outcomes == {decision: "accepted"}


@pytest.mark.parametrize("operation", ["CompleteClaim", "CancelClaim"])
@pytest.mark.parametrize("trouble", [LOST, SILENCE, refused("RateLimited", 429)])
def test_unanswered_resolution_is_done_once(operation: str, trouble: Trouble) -> None:
    stage = opened()
    stage.directory.trouble = times(operation, trouble, 4)
    if operation == "CompleteClaim":
        stage.donor("acknowledge")
        stage.donor("confirm", "USER_REQUESTED")
    else:
        stage.send("REFUSE", uuid4(), stage.simulation.now_)
    stage.finish()
    assert stage.effects(operation) == 1
    assert stage.events.count("claim.completed") + stage.events.count("claim.cancelled") == 1


def test_default_action_that_dict_holds_off_is_tried_until_it_is_taken() -> None:
    stage = opened("OWNERSHIP")
    stage.directory.trouble = times("CancelClaim", refused("InvalidReason", 400), 10)
    stage.run_to(stage.day(30) + timedelta(minutes=10))
    assert stage.row.resolution_type == "TIMEOUT"
    resolution = stage.simulation.executions[resolution_id(CLAIM)]
    assert len(resolution.history) < 15  # the waiting is the activity's, not the history's


def test_default_action_that_dict_never_takes_is_held_and_hears_its_operator() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    refuse = refused("InvalidReason", 400)

    def by_default(name: str) -> Trouble | None:
        intent = stage.row.intent
        default = intent is not None and intent.cause == "DEADLINE"
        return refuse if name == "CancelClaim" and default else None

    stage.directory.trouble = by_default
    stage.run_to(stage.day(30.1))
    assert stage.claims.last_errors[CLAIM, "CLAIMER"] == "InvalidReason"
    order = OperatorOrder(uuid4(), "CLAIM_CANCEL", "USER_REQUESTED")
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
    stage.run_to(stage.day(30.2))
    assert (stage.row.status, stage.events[-1]) == ("CANCELLED", "claim.cancelled")


def test_default_action_gives_way_to_the_donors_confirmation() -> None:
    stage = opened()
    stage.directory.trouble = times("CancelClaim", SILENCE, 5)
    stage.donor("acknowledge")
    stage.run_to(stage.day(30) + timedelta(seconds=3))
    stage.donor("confirm", "USER_REQUESTED")
    stage.finish()
    assert stage.row.status == "COMPLETED"


def test_default_that_a_late_confirmation_overtook_does_not_wait_without_end() -> None:
    """The claim is confirmed between the settling on the default and the resolution's start."""
    stage = opened()
    stage.donor("acknowledge")
    lost = iter([Chance(lost=True)])
    stage.simulation.chance = lambda name: next(lost, Chance()) if name == LOAD_CLAIM else Chance()
    stage.run_to(stage.day(30) + timedelta(seconds=1))
    stage.donor("confirm", "USER_REQUESTED")
    monitor = stage.simulation.executions[monitor_id(CLAIM)]
    assert not monitor.closed
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_STATUS_SIGNAL)
    stage.finish()
    assert stage.row.status == "COMPLETED"
    assert stage.effects("CancelClaim") == 0


# ---- Children, alone -----


def lonely(stage: ClaimStage) -> None:
    """The claim's workflow and its children were terminated."""
    for execution in stage.simulation.executions.values():
        execution.closed = "TERMINATED"


@pytest.mark.parametrize("claim_type", TYPES)
def test_dead_man_switch_acts_when_nobody_else_does(claim_type: str) -> None:
    stage = opened(claim_type)
    lonely(stage)
    id_ = f"claim-{CLAIM}-expire-alone"
    stage.simulation.start("ExpireCompletionPeriodWorkflow", ExpireInput(CLAIM), id_)
    stage.run_to(stage.day(30) + timedelta(minutes=14))
    assert stage.row.status == "RUNNING"
    stage.finish()
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "TIMEOUT")
    assert stage.effects("CancelClaim") == 1


def test_dead_man_switch_keeps_a_timely_decision() -> None:
    stage, decision = opened(), uuid4()
    lonely(stage)
    stage.send("REFUSE", decision, stage.simulation.now_)
    id_ = f"claim-{CLAIM}-expire-alone"
    stage.simulation.start("ExpireCompletionPeriodWorkflow", ExpireInput(CLAIM), id_)
    stage.finish()
    assert stage.claims.outcomes == {decision: "accepted"}
    assert stage.row.resolution_type == "CANCELLED"


def test_dead_man_switch_drops_a_cancellation_that_dict_takes_no_more() -> None:
    stage, decision = opened(), uuid4()
    stage.donor("acknowledge")
    stage.directory.trouble = times("CancelClaim", refused("Forbidden", 403), 1)
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=5))
    assert stage.row.intent is not None
    lonely(stage)
    stage.donor("confirm", "USER_REQUESTED")
    id_ = f"claim-{CLAIM}-expire-alone"
    stage.simulation.start("ExpireCompletionPeriodWorkflow", ExpireInput(CLAIM), id_)
    stage.finish()
    assert stage.row.status == "COMPLETED"
    assert stage.claims.outcomes == {decision: "refused:claim-moved-on"}


def test_monitor_alone_records_what_it_sees() -> None:
    stage = opened()
    lonely(stage)
    stage.simulation.start("MonitorStatusWorkflow", MonitorInput(CLAIM), f"claim-{CLAIM}-m")
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    stage.donor("cancel", "USER_REQUESTED")
    stage.finish()
    assert stage.events == ["claim.created", "claim.acknowledged", "claim.cancelled"]
    assert stage.row.resolution_type == "REJECTED"


def test_resolutions_started_alone() -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    stage.simulation.start(
        "CancelClaimWorkflow", ResolutionInput(CLAIM, "ACCOUNT_CLOSURE"), resolution_id(CLAIM)
    )
    stage.finish()
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "CANCELLED")
    other = opened()
    early = other.simulation.start(
        "CompleteClaimWorkflow", ResolutionInput(CLAIM), resolution_id(CLAIM)
    )
    other.run_to(other.day(0.1))
    assert early.closed == "FAILED"  # ResolutionNotApplicable: the next may start
    other.donor("acknowledge")
    other.donor("confirm", "USER_REQUESTED")
    other.finish()
    assert other.row.status == "COMPLETED"


def test_dates_that_dict_moves_move_our_deadlines() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(8))
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(9))
    assert stage.row.shown is not None
    assert stage.row.shown.completion_period_end == stage.day(8)


# ---- Restarts -----


def test_worker_that_restarts_at_every_step_does_the_same() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    for day in range(1, 31):
        stage.run_to(stage.day(day))
        if day == 8:
            stage.donor("confirm", "DEFAULT_OPERATION")
        if day == 20:
            stage.prove()
        stage.simulation.stop_workers()
        stage.simulation.start_workers()
    stage.finish()
    assert stage.row.status == "COMPLETED"


@pytest.mark.parametrize(
    "module",
    [
        "create_claim",
        "monitor_status",
        "expire_completion_period",
        "resolution",
        "opening",
        "keeper",
        "journal",
        "arrival",
        "judgement",
        "steps",
    ],
)
def test_workflow_module_loads_no_driver(module: str) -> None:
    program = (
        "import sys, temporalio.workflow\n"
        "sdk = set(sys.modules)\n"  # what the SDK brings by itself is not ours
        f"import claim_orchestrator.workflows.{module}\n"
        "drivers = {'asyncpg', 'pulsar', '_pulsar', 'grpc', 'redis', 'tink', 'fastavro'}\n"
        "print(sorted(drivers & set(sys.modules) - sdk))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout.strip() == "[]"
