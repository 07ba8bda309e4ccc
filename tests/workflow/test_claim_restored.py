"""A claim whose row, or workflow, is older than what DICT has: not lost, and not opened twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.claim_scenes import LOST, SILENCE, forget, lose_workflows, opened, order_resume
from tests.support.claim_simulation import ClaimStage
from tests.support.workflow_simulation import START

DECISION = UUID(int=1)


@pytest.mark.parametrize("first", ["decision", "announcement", "order"])
def test_row_that_forgot_the_claim_is_told_of_it_by_whatever_writes_first(first: str) -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    forget(stage)
    if first == "announcement":
        stage.run_to(stage.day(29.5))
    if first == "order":
        order_resume(stage)
        stage.run_to(stage.day(2))
    stage.send("REFUSE", DECISION, stage.simulation.now_)
    stage.finish()
    assert stage.events[0] == "claim.created"
    assert stage.events[-2:] == ["claim.decided", "claim.cancelled"]
    assert stage.claims.outcomes == {DECISION: "accepted"}
    assert (stage.row.status, stage.row.resolution_type) == ("CANCELLED", "CANCELLED")
    assert stage.effects("CreateClaim") == 1


def test_claim_that_lost_row_and_workflow_is_found_at_dict() -> None:
    stage = opened()
    stage.run_to(stage.day(3))
    forget(stage)
    lose_workflows(stage)
    stage.resume()
    stage.run_to(stage.day(4))
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1


def test_claim_that_ended_after_the_backup_ends_again_and_is_not_opened_anew() -> None:
    stage = opened()
    stage.send("REFUSE", DECISION, stage.simulation.now_)
    stage.run_to(stage.day(1))
    assert stage.row.status == "CANCELLED"
    forget(stage)
    stage.run_to(stage.day(5))
    stage.resume()
    stage.finish()
    assert (stage.row.status, stage.events[-1]) == ("CANCELLED", "claim.cancelled")
    assert stage.effects("CreateClaim") == 1


def test_claim_of_an_unanswered_call_is_found_by_a_workflow_that_is_resumed_later() -> None:
    stage = ClaimStage()
    answers = [LOST]
    stage.directory.trouble = lambda name: (
        answers.pop() if name == "CreateClaim" and answers else SILENCE
    )
    stage.open()
    stage.run_to(START + timedelta(minutes=30))
    assert stage.row.shown is None
    lose_workflows(stage)
    stage.directory.trouble = lambda _name: None
    stage.resume()
    stage.run_to(START + timedelta(minutes=40))
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1
