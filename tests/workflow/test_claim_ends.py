"""A claimer's claim without a server: every end, and createClaim's unknown outcomes."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application.claim_process import (
    COMPLETE_CLAIM_GRPC,
    PREPARE_COMPLETION,
    workflow_id,
)
from claim_orchestrator.domain.claim import Role
from tests.support.claim_inputs import first_row
from tests.support.claim_scenes import LOST, MILLISECOND, SILENCE, TYPES, opened, refused, times
from tests.support.claim_simulation import ClaimStage

# ---- How it ends -----


def test_confirmed_portability_is_completed_and_transferred() -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    stage.donor("confirm", "USER_REQUESTED")
    stage.finish()
    assert stage.events == [
        "claim.created",
        "claim.acknowledged",
        "claim.confirmed",
        "claim.completed",
        "entry.transferred",
    ]
    assert (stage.row.status, stage.row.resolution_type) == ("COMPLETED", "APPROVED")
    called = stage.simulation.called
    assert called.index(PREPARE_COMPLETION) < called.index(COMPLETE_CLAIM_GRPC)
    (claim,) = stage.directory.claims.values()
    assert claim.request_id == str(stage.row.complete_request_id)
    assert [notice["type"] for notice in stage.told.notices] == ["claim.ended"]
    assert all(execution.closed for execution in stage.simulation.executions.values())


def test_ownership_waits_for_its_period_and_for_a_proof_made_after_it() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    assert stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(10))
    stage.prove()  # too early: it proves nothing about the time after the period
    stage.run_to(stage.day(15))
    assert stage.row.status == "RUNNING"
    assert stage.effects("CompleteClaim") == 0
    stage.prove()
    stage.finish()
    assert stage.events[-2:] == ["claim.completed", "entry.transferred"]


@pytest.mark.parametrize("away", ["nobody", "worker", "DICT"])
def test_possession_proven_in_time_beats_the_default(away: str) -> None:
    """The default at day 30 is for a user who did not validate."""
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(29.9))
    if away == "worker":
        stage.simulation.stop_workers()
    if away == "DICT":
        stage.directory.trouble = lambda name: SILENCE if name == "CompleteClaim" else None
    stage.run_to(stage.day(30) - timedelta(milliseconds=1))
    stage.prove()
    stage.run_to(stage.day(30.1))
    stage.prove()  # a later one takes nothing from it
    stage.directory.trouble = lambda _name: None
    if away == "worker":
        stage.simulation.start_workers()
    stage.finish()
    assert stage.events[-2:] == ["claim.completed", "entry.transferred"]


def test_ownership_that_the_donors_user_gave_is_complete_at_once() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")  # ends the completion period now
    stage.run_to(stage.day(1))
    stage.prove()
    stage.run_to(stage.day(2))
    assert stage.row.status == "COMPLETED"


@pytest.mark.parametrize("claim_type", TYPES)
def test_other_side_cancels(claim_type: str) -> None:
    stage = opened(claim_type)
    stage.donor("acknowledge")
    assert stage.donor("cancel", "FRAUD")
    stage.finish()
    assert stage.events == ["claim.created", "claim.cancelled"]
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "REJECTED")


@pytest.mark.parametrize("claim_type", TYPES)
def test_we_cancel_by_decision(claim_type: str) -> None:
    stage = opened(claim_type)
    decision = uuid4()
    stage.send("REFUSE", decision, stage.day(3))
    stage.finish()
    assert stage.events == ["claim.created", "claim.decided", "claim.cancelled"]
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "CANCELLED")
    assert stage.claims.outcomes == {decision: "accepted"}
    (claim,) = stage.directory.claims.values()
    assert (claim.cancelled_by, claim.cancel_reason) == ("CLAIMER", "USER_REQUESTED")


@pytest.mark.parametrize(
    ("claim_type", "reason"),
    [("PORTABILITY", "USER_REQUESTED"), ("OWNERSHIP", "DEFAULT_OPERATION")],
)
def test_nobody_decides_until_day_thirty(claim_type: str, reason: str) -> None:
    stage = opened(claim_type)
    stage.run_to(stage.day(30) - MILLISECOND)
    assert stage.row.status == "RUNNING"
    stage.run_to(stage.day(30) + timedelta(minutes=1))
    assert stage.events == [
        "claim.created",
        "claim.deadline-approaching",
        "claim.deadline-approaching",
        "claim.decided",
        "claim.cancelled",
    ]
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "TIMEOUT")
    (claim,) = stage.directory.claims.values()
    assert claim.cancel_reason == reason


def test_confirmed_portability_is_never_cancelled() -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(28))
    stage.donor("confirm", "USER_REQUESTED")
    stage.directory.trouble = lambda name: SILENCE if name == "CompleteClaim" else None
    stage.run_to(stage.day(31))
    assert stage.row.status == "RUNNING"
    stage.directory.trouble = lambda _: None
    stage.finish()
    assert (stage.row.status, stage.effects("CancelClaim")) == ("COMPLETED", 0)


def test_claim_that_dict_refuses_fails_and_says_why() -> None:
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", refused("ClaimKeyNotFound", 404), 99)
    decision = uuid4()
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.open()
    stage.finish()
    assert stage.events == ["claim.failed"]
    assert (stage.row.status, stage.row.resolution_type) == ("FAILED", "ERROR")
    assert stage.claims.outcomes == {decision: "refused:claim-already-resolved"}
    assert len(stage.told.notices) == 1


# ---- createClaim, whose outcome may be unknown -----


def test_outage_of_dict_is_retried_until_it_is_over() -> None:
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", refused("ServiceUnavailable", 503), 5)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=10))
    assert stage.events == ["claim.created"]


def test_claim_that_a_lost_answer_opened_is_adopted() -> None:
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", LOST, 1)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=10))
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1
    assert "FindClaimGRPC" not in stage.simulation.called


def test_claim_that_the_list_does_not_show_yet_is_adopted_later() -> None:
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", LOST, 1)
    stage.directory.list_lag = timedelta(seconds=5)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=10))
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1
    assert "FindClaimGRPC" in stage.simulation.called


def test_claim_that_ended_before_we_knew_of_it_is_not_asked_for_again() -> None:
    stage = ClaimStage()
    stage.directory.trouble = times("CreateClaim", LOST, 1)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(milliseconds=500))
    assert stage.donor("acknowledge")
    assert stage.donor("cancel", "USER_REQUESTED")
    stage.finish()
    assert stage.events == ["claim.created", "claim.cancelled"]
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "REJECTED")
    assert stage.effects("CreateClaim") == 1


def test_look_that_dict_refuses_stops_no_claim() -> None:
    stage = ClaimStage()
    troubles = {"CreateClaim": [SILENCE], "ListClaims": [refused("RateLimited", 429)]}
    stage.directory.trouble = lambda name: troubles[name].pop() if troubles.get(name) else None
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.events == ["claim.created"]
    assert troubles == {"CreateClaim": [], "ListClaims": []}


def test_exhausted_create_looks_before_it_gives_up() -> None:
    stage = ClaimStage()
    answers = [LOST, *[SILENCE] * 200]
    stage.directory.trouble = lambda name: (
        answers.pop(0) if name == "CreateClaim" and answers else None
    )
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(hours=2))
    assert stage.events == ["claim.created"]


@pytest.mark.parametrize("looks", [0, 5])
def test_refusal_after_an_unanswered_create_is_looked_into_first(looks: int) -> None:
    stage = ClaimStage()
    answers = {"CreateClaim": [LOST, refused("SomethingNew", 400)]}
    answers["ListClaims"] = [refused("SomethingNew", 400)] * looks
    stage.directory.trouble = lambda name: answers[name].pop(0) if answers.get(name) else None
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(hours=1))
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1


def test_exhausted_create_that_opened_nothing_fails() -> None:
    stage = ClaimStage()
    stage.directory.trouble = lambda name: SILENCE if name == "CreateClaim" else None
    stage.open()
    stage.finish()
    assert stage.events == ["claim.failed"]
    assert stage.simulation.called.count("FindClaimGRPC") == 3


def test_while_dict_is_away_we_do_not_know_and_do_not_fail() -> None:
    stage = ClaimStage()
    away = [True]
    stage.directory.trouble = lambda name: SILENCE if away[0] else None
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(days=3))
    assert (stage.row.status, stage.events) == ("RUNNING", [])
    away[0] = False
    stage.finish()
    assert stage.events == ["claim.failed"]


def test_claim_of_somebody_else_is_not_adopted() -> None:
    stage, other = ClaimStage(), UUID(int=78)
    stage.claims.add(first_row(other))
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    stage.directory.trouble = times("CreateClaim", SILENCE, 1)
    given = stage.execution.given
    second = replace(given, claim_id=other)
    stage.simulation.start("CreateClaimWorkflow", second, workflow_id(other))
    stage.run_to(stage.simulation.now_ + timedelta(hours=2))
    assert stage.claims.rows[other, Role.CLAIMER].status == "FAILED"
    assert stage.row.status == "RUNNING"
