"""What others may do to a claim: odd answers of DICT, odd words of operators, odd clocks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from claim_orchestrator.application.claim_mail import GivenDecision
from claim_orchestrator.application.claim_process import (
    CLAIM_DECISION_SIGNAL,
    CLAIM_DECISION_UPDATE,
    CLAIM_OPERATOR_SIGNAL,
    CLAIM_STATUS_SIGNAL,
    resolution_id,
    workflow_id,
)
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.workflows.expire_completion_period import ExpireInput
from claim_orchestrator.workflows.monitor_status import MonitorInput
from claim_orchestrator.workflows.resolution import ResolutionInput
from dict_common.ports.directory import DirectoryRefused
from tests.support.claim_scenes import LOST, SILENCE, opened, refused
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble
from tests.support.workflow_simulation import Chance

NAIVE = datetime(2026, 1, 9)  # noqa: DTZ001 a clock without a zone


def changed(call: Callable[..., Any], **changes: object) -> Callable[..., Any]:
    """DICT's answer with other values."""

    async def answer(*arguments: Any) -> Any:
        return replace(await call(*arguments), **changes)

    return answer


def test_first_answer_with_a_status_that_nobody_knows_is_waited_out() -> None:
    stage = ClaimStage()
    stage.directory.create_claim = changed(  # type: ignore[method-assign]
        stage.directory.create_claim, status="PRE_OPEN"
    )
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.events == ["claim.created"]  # Core waits for it
    stage.run_to(stage.simulation.now_ + timedelta(hours=7))
    assert stage.row.shown is not None
    assert stage.row.shown.status == "OPEN"
    assert stage.events == ["claim.created"]
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.finish()
    assert stage.row.status == "COMPLETED"


def test_clock_of_dict_that_goes_back_stops_no_claim() -> None:
    stage = opened()
    real = stage.directory.get_claim

    async def behind(*arguments: Any) -> Any:
        got = await real(*arguments)
        return replace(got, last_modified=got.last_modified - timedelta(days=2))

    stage.directory.get_claim = behind  # type: ignore[method-assign, assignment]
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    assert stage.row.shown is not None
    assert stage.row.shown.status == "WAITING_RESOLUTION"


def test_last_year_of_the_calendar_is_a_date_too() -> None:
    stage = ClaimStage()
    end = datetime(9999, 12, 31, tzinfo=UTC)
    stage.directory.create_claim = changed(  # type: ignore[method-assign]
        stage.directory.create_claim, resolution_period_end=end
    )
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=5))
    assert stage.events == ["claim.created"]


def test_retry_after_a_year_is_not_waited_for() -> None:
    stage, calls = opened("OWNERSHIP"), [0]
    real = stage.directory.cancel_claim

    async def limited(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == 1:
            raise DirectoryRefused("RateLimited", 429, "slow down", 365 * 86_400.0)
        return await real(*arguments)

    stage.directory.cancel_claim = limited  # type: ignore[method-assign, assignment]
    stage.run_to(stage.day(30) + timedelta(minutes=10))
    assert stage.row.resolution_type == "TIMEOUT"


def test_grace_begins_when_the_waiting_begins() -> None:
    """Everything was away for two hours over the deadline, and the worker is back first."""
    stage, decision = opened("OWNERSHIP"), uuid4()
    stage.run_to(stage.day(30) - timedelta(minutes=5))
    stage.simulation.stop_workers()
    stage.broker.away = True
    decided = stage.day(30) - timedelta(minutes=2)
    stage.run_to(stage.day(30) + timedelta(hours=2))
    stage.simulation.start_workers()

    def back() -> None:
        stage.broker.away = False
        stage.take("REFUSE", decision, decided, "FRAUD", decided)

    stage.simulation.after(20, back)
    stage.finish()
    assert stage.claims.outcomes == {decision: "accepted"}
    assert stage.row.resolution_type == "CANCELLED"


def test_proof_of_the_future_is_one_of_now() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(2))
    stage.prove(datetime(2199, 12, 31, tzinfo=UTC))
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(20))
    assert stage.row.status == "RUNNING"


@pytest.mark.parametrize("first", ["ACCEPT", "REFUSE"])
def test_one_id_is_one_decision_whatever_the_door(first: str) -> None:
    stage, id_ = opened("OWNERSHIP"), uuid4()
    other = "REFUSE" if first == "ACCEPT" else "ACCEPT"
    stage.execution.update(str(id_), CLAIM_DECISION_UPDATE, GivenDecision(first, "user-1"))
    stage.run_to(stage.simulation.now_ + timedelta(seconds=1))
    if stage.row.status == "RUNNING":
        stage.take(other, id_, stage.simulation.now_, None, stage.simulation.now_)
        assert stage.refusals == [(id_, "command-id-reused")]
    assert len(stage.claims.decisions) == 1


@pytest.mark.parametrize(
    "given",
    [
        GivenDecision("REFUSE", "user-1", "nul\x00"),
        GivenDecision("REFUSE", "user-1", "because João said so"),
        GivenDecision("REFUSE", "user-1", None, datetime(1, 1, 1, tzinfo=UTC)),
        GivenDecision("REFUSE", "user-1", None, datetime(9999, 12, 31, tzinfo=UTC)),
        GivenDecision("REFUSE", "user:11122233300"),
    ],
)
def test_value_that_no_database_takes_is_refused_at_the_door(given: GivenDecision) -> None:
    stage = opened()
    stage.execution.update(str(uuid4()), CLAIM_DECISION_UPDATE, given)
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.claims.decisions == {}
    stage.finish()
    assert stage.execution.closed == "COMPLETED"


def test_signals_typed_without_their_argument_change_nothing() -> None:
    stage = opened()
    for name in (CLAIM_DECISION_SIGNAL, CLAIM_STATUS_SIGNAL, CLAIM_OPERATOR_SIGNAL):
        stage.simulation.signal(workflow_id(CLAIM), name)
    stage.run_to(stage.day(1))
    assert (stage.row.status, stage.claims.decisions) == ("RUNNING", {})
    stage.finish()
    assert stage.row.resolution_type == "TIMEOUT"


def test_status_that_somebody_made_up_is_not_believed() -> None:
    stage = opened()
    assert stage.row.shown is not None
    forged = replace(
        stage.row.shown,
        status="CANCELLED",
        cancelled_by="DONOR",
        last_modified=NAIVE,
    )
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_STATUS_SIGNAL, forged)
    stage.run_to(stage.day(1))
    assert stage.row.status == "RUNNING"


def test_completion_started_alone_keeps_the_rules() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(15))
    started = stage.simulation.start(
        "CompleteClaimWorkflow", ResolutionInput(CLAIM), resolution_id(CLAIM)
    )
    stage.run_to(stage.day(15.1))
    assert (started.closed, stage.row.status) == ("FAILED", "RUNNING")
    stage.prove()
    stage.finish()
    assert stage.row.status == "COMPLETED"


def test_proven_ownership_that_is_held_is_not_cancelled_by_default() -> None:
    """As a CONFIRMED portability: its user did what Bacen asks, so giving up would harm him. It is
    overdue and held for operators to see, and completed once DICT takes it."""
    stage, taken = opened("OWNERSHIP"), [False]
    stage.directory.trouble = lambda name: (
        refused("Forbidden", 403) if name == "CompleteClaim" and not taken[0] else None
    )
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(15))
    stage.prove()
    stage.run_to(stage.day(32))
    assert (stage.row.status, stage.row.intent) == ("RUNNING", None)
    assert stage.claims.last_errors[CLAIM, "CLAIMER"] == "Forbidden"
    taken[0] = True
    stage.finish()
    assert stage.row.status == "COMPLETED"


def test_error_of_a_failed_claim_stays() -> None:
    stage = ClaimStage()
    stage.directory.trouble = lambda name: (
        refused("ClaimInvalid", 400) if name == "CreateClaim" else None
    )
    stage.open()
    stage.finish()
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] == "ClaimInvalid"


def test_workflow_about_no_claim_ends_at_once() -> None:
    stage = ClaimStage()
    starts = {
        "MonitorStatusWorkflow": MonitorInput(uuid4()),
        "ExpireCompletionPeriodWorkflow": ExpireInput(uuid4()),
        "CancelClaimWorkflow": ResolutionInput(uuid4(), "FRAUD"),
    }
    for name, given in starts.items():
        stage.simulation.start(name, given, name)
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert {it.closed for it in stage.simulation.executions.values()} == {"FAILED"}


@pytest.mark.parametrize("shift", range(0, 30, 5))
def test_end_that_the_switch_writes_is_a_whole_one(shift: int) -> None:
    """claim.completed and entry.transferred are one statement: stopping the switch parts none."""
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(29.9))
    stage.donor("confirm", "USER_REQUESTED")
    back, first = stage.day(30) + timedelta(minutes=20, seconds=shift), [True]

    def trouble(operation: str) -> Trouble | None:
        now = stage.simulation.now_
        if now >= back:
            return None
        if operation == "CompleteClaim" and first:
            first.clear()
            return LOST
        return None if now < stage.day(29.99) and operation == "GetClaim" else SILENCE

    stage.directory.trouble = trouble
    stage.simulation.chance = lambda name: Chance(29 if name == "TransferEntry" else 0.05)
    stage.finish()
    assert stage.events.count("claim.completed") == stage.events.count("entry.transferred") == 1
