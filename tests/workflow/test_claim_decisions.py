"""Decisions about a claim: three doors, early, late, double, contradicting, around the deadline."""

import itertools
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.worker._workflow_instance import _WorkflowLogicFlag as Flag

from claim_orchestrator.application.claim_mail import MAIL_MAX, GivenDecision
from claim_orchestrator.application.claim_process import (
    AWAIT_DECISIONS,
    CLAIM_DECISION_SIGNAL,
    CLAIM_DECISION_UPDATE,
    CLAIM_OPERATOR_SIGNAL,
    workflow_id,
)
from claim_orchestrator.application.claim_records import OperatorOrder
from tests.support.claim_scenes import MILLISECOND, TYPES, opened, refused, times
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.workflow_simulation import Chance

# ---- Decisions -----


@pytest.mark.parametrize("claim_type", TYPES)
def test_decision_a_millisecond_before_and_after_the_deadline(claim_type: str) -> None:
    for offset, outcome, resolution in (
        (-MILLISECOND, "accepted", "CANCELLED"),
        (MILLISECOND, "refused:decision-late", "TIMEOUT"),
    ):
        stage = opened(claim_type)
        instant, decision = stage.day(30) + offset, uuid4()
        stage.run_to(instant)
        stage.send("REFUSE", decision, instant, "FRAUD")
        stage.finish()
        assert stage.claims.outcomes == {decision: outcome}
        assert stage.row.resolution_type == resolution


@pytest.mark.parametrize("claim_type", TYPES)
@pytest.mark.parametrize("single_batch", [False, True])
def test_both_arrive_while_the_worker_is_stopped(claim_type: str, single_batch: bool) -> None:
    stage = ClaimStage(claim_type)
    if single_batch:
        flag = Flag.PROCESS_WORKFLOW_ACTIVATION_JOBS_AS_SINGLE_BATCH
        stage.simulation.flags = frozenset({flag})
    stage.open()
    stage.run_to(stage.day(29))
    before, after = uuid4(), uuid4()
    stage.simulation.stop_workers()
    stage.run_to(stage.day(30) + timedelta(hours=1))
    stage.send("REFUSE", after, stage.day(30) + MILLISECOND, "FRAUD")
    stage.send("REFUSE", before, stage.day(30) - MILLISECOND, "FRAUD")
    # Too old to believe: they count from their publication, ten minutes ago.
    assert stage.claims.outcomes == {}
    for ce_id, instant in ((before, stage.day(30) - MILLISECOND), (after, stage.day(30))):
        stage.claims.decisions[ce_id] = replace(stage.claims.decisions[ce_id], effective_at=instant)
    stage.simulation.start_workers()
    stage.finish()
    assert stage.claims.outcomes[before] == "accepted"
    assert stage.claims.outcomes[after] == "refused:decision-late"
    assert stage.row.resolution_type == "CANCELLED"


def test_timely_decision_that_was_still_at_the_broker_wins() -> None:
    stage = opened()
    decision, instant = uuid4(), stage.day(30) - timedelta(minutes=2)
    stage.run_to(instant)
    stage.broker.waiting.append(instant)
    stage.run_to(stage.day(30) + timedelta(seconds=30))
    assert stage.row.status == "RUNNING"
    stage.send("REFUSE", decision, instant)
    stage.broker.waiting.clear()
    stage.finish()
    assert stage.claims.outcomes == {decision: "accepted"}
    assert stage.row.resolution_type == "CANCELLED"


def test_timely_proof_that_was_still_at_the_broker_wins() -> None:
    stage = opened("OWNERSHIP")
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    validated_at = stage.day(29.95)
    stage.run_to(validated_at)
    stage.broker.waiting.append(validated_at)
    stage.run_to(stage.day(30) + timedelta(seconds=30))
    assert stage.row.status == "RUNNING"
    stage.prove(validated_at)
    stage.broker.waiting.clear()
    stage.finish()
    assert stage.row.resolution_type == "APPROVED"


def test_consumer_that_does_not_catch_up_is_waited_for_a_minute() -> None:
    stage = opened()
    stage.broker.waiting.append(stage.day(30) - timedelta(minutes=2))
    stage.run_to(stage.day(30) + timedelta(seconds=55))
    assert stage.row.status == "RUNNING"
    stage.run_to(stage.day(30) + timedelta(seconds=75))
    assert stage.row.resolution_type == "TIMEOUT"


def test_broker_that_is_away_is_waited_for_the_grace_and_a_minute_after_it_is_back() -> None:
    stage = opened()
    stage.broker.away = True
    stage.run_to(stage.day(30) + timedelta(minutes=50))
    assert stage.row.status == "RUNNING"
    stage.run_to(stage.day(30) + timedelta(minutes=61))
    assert stage.row.resolution_type == "TIMEOUT"
    back = opened()
    back.broker.away = True
    back.broker.waiting.append(back.day(29.99))
    back.run_to(back.day(30) + timedelta(minutes=30))
    back.broker.away = False
    back.run_to(back.day(30) + timedelta(minutes=30, seconds=50))
    assert back.row.status == "RUNNING"
    back.run_to(back.day(30) + timedelta(minutes=31, seconds=20))
    assert back.row.resolution_type == "TIMEOUT"


def test_early_decision_waits_for_its_claim() -> None:
    stage, decision = ClaimStage(), uuid4()
    stage.send("REFUSE", decision, stage.simulation.now_)
    assert decision in stage.claims.decisions
    stage.open()
    stage.finish()
    assert stage.events == ["claim.created", "claim.decided", "claim.cancelled"]


def test_double_and_contradicting_decisions() -> None:
    stage = opened()
    accept, refuse, again, late = (uuid4() for _ in range(4))
    now = stage.simulation.now_
    for word, id_ in (("ACCEPT", accept), ("REFUSE", refuse), ("REFUSE", again)):
        stage.send(word, id_, now)
        stage.send(word, id_, now)  # redelivered
    stage.finish()
    stage.send("ACCEPT", late, now)
    assert stage.claims.outcomes[accept] == "accepted"
    assert stage.claims.outcomes[refuse] == "accepted"
    assert stage.claims.outcomes[again].startswith("refused:")
    assert stage.refusals[-1] == (late, "claim-already-resolved")
    rejections = [it for _, it in stage.claims.events if it.payload == b"command.rejected"]
    assert len(rejections) == 2  # again, late
    assert stage.effects("CancelClaim") == 1


def test_decision_that_dict_takes_no_more_is_dropped_and_told() -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    decision = uuid4()
    stage.donor("confirm", "USER_REQUESTED")  # nobody has told us yet
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.finish()
    assert stage.claims.outcomes == {decision: "refused:claim-moved-on"}
    assert stage.row.status == "COMPLETED"


def test_three_doors_lead_to_one_room() -> None:
    for door in ("topic", "update", "signal"):
        stage, decision = opened(), uuid4()
        if door == "topic":
            stage.send("REFUSE", decision, stage.simulation.now_)
        elif door == "update":
            given = GivenDecision("REFUSE", "user-1")
            stage.execution.update(str(decision), CLAIM_DECISION_UPDATE, given)
        else:
            stage.simulation.signal(workflow_id(CLAIM), CLAIM_DECISION_SIGNAL, False)
        stage.finish()
        assert stage.events == ["claim.created", "claim.decided", "claim.cancelled"], door
        assert list(stage.claims.outcomes.values()) == ["accepted"]
        if door == "update":
            answer = stage.execution.updates[str(decision)]
            assert answer == {"ce_id": str(decision), "outcome": "accepted"}


def test_update_after_the_end_or_with_an_unknown_word_is_refused() -> None:
    stage = opened()
    stage.execution.update("x", CLAIM_DECISION_UPDATE, GivenDecision("MAYBE", "user-1"))
    assert "ACCEPT or REFUSE" in str(stage.execution.updates["x"])
    stage.execution.update("y", CLAIM_DECISION_UPDATE, GivenDecision("ACCEPT", "joao@example.com"))
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.row.status == "RUNNING"


def test_decision_that_an_operator_overtook_is_told_when_dict_takes_neither() -> None:
    stage, decision = opened(), uuid4()
    held = refused("Forbidden", 403)
    stage.directory.trouble = times("CancelClaim", held, 2)
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=5))
    order = OperatorOrder(uuid4(), "CLAIM_CANCEL", "ACCOUNT_CLOSURE")
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=5))
    assert (stage.row.intent and stage.row.intent.reason) == "ACCOUNT_CLOSURE"
    stage.donor("acknowledge")
    stage.donor("confirm", "USER_REQUESTED")
    stage.finish()
    assert stage.row.status == "COMPLETED"
    assert stage.claims.outcomes == {decision: "refused:claim-moved-on"}


def test_decision_that_an_operator_overtook_stands_again_when_dict_takes_only_that() -> None:
    stage, decision = opened(), uuid4()
    held = refused("Forbidden", 403)
    stage.directory.trouble = times("CancelClaim", held, 3)
    stage.send("REFUSE", decision, stage.simulation.now_)
    stage.run_to(stage.simulation.now_ + timedelta(seconds=5))
    for reason in ("ACCOUNT_CLOSURE", "RECONCILIATION"):  # the second is of OPEN alone
        order = OperatorOrder(uuid4(), "CLAIM_CANCEL", reason)
        stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)
        stage.run_to(stage.simulation.now_ + timedelta(seconds=1))
    assert (stage.row.intent and stage.row.intent.reason) == "RECONCILIATION"
    stage.donor("acknowledge")
    stage.finish()
    (claim,) = stage.directory.claims.values()
    assert (stage.row.status, claim.cancel_reason) == ("CANCELLED", "USER_REQUESTED")
    assert stage.claims.outcomes == {decision: "accepted"}
    assert stage.row.resolution_type == "CANCELLED"


# ---- Two executions judge: the claim's workflow and the dead-man switch -----


def test_decision_that_two_executions_read_is_judged_once() -> None:
    stage, decision = opened(), uuid4()
    stage.run_to(stage.day(30) - MILLISECOND)
    stage.simulation.stop_workers()
    stage.run_to(stage.day(33))  # both deadlines pass, and both wake at once
    stage.execution.update(
        str(decision), CLAIM_DECISION_UPDATE, GivenDecision("REFUSE", "user-1", "FRAUD")
    )
    stage.simulation.start_workers()
    stage.finish()
    assert stage.claims.outcomes == {decision: "refused:decision-late"}
    rejections = [it for _, it in stage.claims.events if it.payload == b"command.rejected"]
    assert len(rejections) == 1


def test_update_whose_decision_the_switch_has_judged_is_answered_and_the_claim_ends() -> None:
    stage, decision = opened(), uuid4()
    looks = itertools.count()

    def slow(activity: str) -> Chance:
        waits = activity == AWAIT_DECISIONS and next(looks) == 0
        return Chance(seconds=3_600.0 if waits else 0.05)

    stage.simulation.chance = slow
    stage.run_to(stage.day(30) + timedelta(minutes=1))
    given = GivenDecision("REFUSE", "user-1", "FRAUD")
    stage.execution.update(str(decision), CLAIM_DECISION_UPDATE, given)
    stage.finish()
    answer = stage.execution.updates[str(decision)]
    assert answer == {"ce_id": str(decision), "outcome": "refused:decision-late"}
    assert stage.execution.closed == "COMPLETED"


def test_more_decisions_than_one_look_holds_are_all_answered() -> None:
    stage = ClaimStage()
    sent = [uuid4() for _ in range(2 * MAIL_MAX + 3)]
    for ce_id in sent:
        stage.send("ACCEPT", ce_id, stage.simulation.now_)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(hours=1))
    assert stage.claims.outcomes == dict.fromkeys(sent, "accepted")
