"""What happened after the backup that was restored: only DICT and Temporal know it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application import ask_directory
from claim_orchestrator.application.claim_process import workflow_id
from claim_orchestrator.application.claim_records import ClaimProcessInput, Recorded
from claim_orchestrator.application.ports import RowChange
from claim_orchestrator.domain.claim import Role
from dict_common.kernel.errors import Unavailable
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.claim_inputs import SUBJECT, command_of, first_row, process_input
from tests.support.claim_scenes import (
    LOST,
    SILENCE,
    forget,
    lose_workflows,
    opened,
    order_resume,
    refused,
    restore,
)
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble
from tests.support.workflow_simulation import START, answer_of

OTHER = UUID(int=78)
MINUTE = timedelta(minutes=1)


def given_at(claim_id: UUID, at: datetime, ahead: timedelta | None) -> ClaimProcessInput:
    """A claim's process, from a command of that instant."""
    given = process_input(claim_id)
    return given if ahead is None else replace(given, command_id=command_of(at + ahead))


def resumed(stage: ClaimStage, given: ClaimProcessInput) -> None:
    """Step 6 of the how-to, for a claim whose workflow does not run."""
    answer_of(stage.process.restart(replace(given, resumed=True)))


def test_older_row_is_told_of_dicts_status_by_whatever_writes_first() -> None:
    stage = opened("OWNERSHIP")
    backup = stage.row
    stage.donor("acknowledge")
    stage.run_to(stage.day(7.1))
    stage.donor("confirm", "DEFAULT_OPERATION")
    stage.run_to(stage.day(15))
    restore(stage, backup)
    stage.send("ACCEPT", uuid4(), stage.simulation.now_)
    stage.run_to(stage.day(15.1))
    assert stage.row.shown is not None
    assert stage.row.shown.status == "CONFIRMED"
    stage.prove()
    stage.run_to(stage.day(15.2))
    assert stage.row.status == "COMPLETED"


@pytest.mark.parametrize("first", ["decision", "order"])
def test_person_who_was_met_in_the_lost_time_has_the_subject_of_the_row(first: str) -> None:
    stage, anew = opened("OWNERSHIP"), UUID(int=555)
    forget(stage)
    key = (CLAIM, Role.CLAIMER)
    stage.claims.claims[key] = replace(stage.claims.claims[key], subject_id=anew)
    stage.composer.lost.add(SUBJECT)
    stage.composer.records.clear()
    if first == "order":
        order_resume(stage)
        stage.run_to(stage.day(1))
    stage.send("REFUSE", uuid4(), stage.simulation.now_)
    stage.finish()
    assert stage.events[0] == "claim.created"
    assert stage.row.status == "CANCELLED"
    told = [it for it in stage.composer.records.values() if "key" in it]
    assert [it["subject_id"] for it in told] == [str(anew)]


@pytest.mark.parametrize("broken", ["silent", "answer lost", "telling"])
def test_request_id_of_a_completion_is_not_lost_with_the_row(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = opened()
    stage.donor("acknowledge")
    stage.run_to(stage.day(1))
    backup = stage.row
    made: list[UUID | None] = []
    first = {"silent": SILENCE, "answer lost": LOST, "telling": None}[broken]
    record = stage.claims.record

    async def away(change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        if broken == "telling" and made:
            raise Unavailable("postgres-away", "away")
        return await record(change, events)

    def trouble(operation: str) -> Trouble | None:
        if operation != "CompleteClaim":
            return None
        made.append(stage.row.complete_request_id)
        return first if len(made) == 1 else SILENCE

    monkeypatch.setattr(stage.claims, "record", away)
    monkeypatch.setattr(stage.directory, "trouble", trouble)
    stage.donor("confirm", "USER_REQUESTED")
    stage.run_to(stage.day(1.5))
    assert made[0] is not None
    restore(stage, backup)
    monkeypatch.undo()
    stage.run_to(stage.day(3))
    assert stage.effects("CompleteClaim") == 1
    assert (stage.row.status, stage.row.complete_request_id) == ("COMPLETED", made[0])
    assert stage.events[-2:] == ["claim.completed", "entry.transferred"]
    assert stage.execution.closed == "COMPLETED"


def test_claim_that_failed_in_the_lost_time_is_not_opened() -> None:
    stage = ClaimStage()
    stage.directory.trouble = lambda name: (
        refused("ClaimKeyNotFound", 404) if name == "CreateClaim" else None
    )
    stage.open()
    stage.run_to(START + 5 * MINUTE)
    assert stage.row.status == "FAILED"
    stage.directory.trouble = lambda _name: None
    forget(stage)
    stage.resume()
    stage.finish()
    assert (stage.row.status, stage.events) == ("FAILED", ["claim.failed"])
    assert stage.effects("CreateClaim") == 0


@pytest.mark.parametrize("twice", [False, True], ids=["resumed", "resumed, lost, resumed"])
def test_claim_that_ended_and_is_not_on_dicts_list_is_held_and_not_opened(twice: bool) -> None:
    stage = opened()
    stage.send("REFUSE", uuid4(), stage.simulation.now_)
    stage.run_to(stage.day(1))
    forget(stage)
    hidden = stage.directory.claims
    stage.directory.claims = {}
    stage.resume()
    stage.run_to(stage.simulation.now_ + timedelta(hours=12))
    assert stage.claims.last_errors[CLAIM, Role.CLAIMER] == "NotFound"
    if twice:
        lose_workflows(stage)
        stage.resume()
        stage.run_to(stage.simulation.now_ + timedelta(hours=12))
    stage.directory.claims = hidden
    stage.finish()
    assert (stage.row.status, stage.events[-1]) == ("CANCELLED", "claim.cancelled")
    assert stage.effects("CreateClaim") == 1


@pytest.mark.parametrize("order", [(CLAIM, OTHER), (OTHER, CLAIM)], ids=["first", "second"])
@pytest.mark.parametrize("both", [False, True], ids=["one runs", "both ended"])
@pytest.mark.parametrize("apart", [timedelta(0), MINUTE], ids=["at once", "apart"])
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=90), None])
def test_two_claims_of_a_key_find_their_own(
    order: tuple[UUID, UUID], both: bool, apart: timedelta, ahead: timedelta | None
) -> None:
    """`ahead`: their sender's clock; None: their commands' ids have no time."""
    stage = opened()
    given = {CLAIM: given_at(CLAIM, START, ahead)}
    stage.send("REFUSE", uuid4(), stage.simulation.now_)
    stage.run_to(START + MINUTE + timedelta(seconds=15))
    given[OTHER] = given_at(OTHER, stage.simulation.now_, ahead)
    stage.claims.add(first_row(OTHER))
    stage.simulation.start("CreateClaimWorkflow", given[OTHER], workflow_id(OTHER))
    stage.run_to(START + 20 * MINUTE)
    if both:
        stage.donor("acknowledge")
        stage.donor("confirm", "USER_REQUESTED")
        stage.run_to(START + timedelta(hours=20))
    else:
        stage.simulation.executions[workflow_id(OTHER)].closed = "TERMINATED"
    before = {id_: stage.claims.rows[id_, "CLAIMER"].shown for id_ in order}
    forget(stage, *order)
    for claim_id in order:
        resumed(stage, given[claim_id])
        stage.run_to(stage.simulation.now_ + apart)
    stage.run_to(stage.simulation.now_ + 10 * MINUTE)
    rows = {id_: stage.claims.rows[id_, "CLAIMER"] for id_ in order}
    assert {id_: it.shown for id_, it in rows.items()} == before
    assert rows[CLAIM].status == "CANCELLED"
    assert rows[OTHER].status == ("COMPLETED" if both else "RUNNING")
    assert stage.effects("CreateClaim") == 2


@pytest.mark.parametrize("ended", [False, True], ids=["open", "ended"])
@pytest.mark.parametrize("ahead", [timedelta(seconds=30), 10 * MINUTE, timedelta(hours=5)])
def test_claim_of_a_command_from_a_clock_that_is_ahead_is_found(
    ahead: timedelta, ended: bool
) -> None:
    stage = ClaimStage()
    stage.claims.add(first_row(CLAIM))
    given = replace(process_input(CLAIM), command_id=command_of(START + ahead))
    stage.simulation.start("CreateClaimWorkflow", given, workflow_id(CLAIM))
    stage.run_to(START + MINUTE)
    if ended:
        stage.send("REFUSE", uuid4(), stage.simulation.now_)
        stage.run_to(START + 2 * MINUTE)
        assert stage.row.status == "CANCELLED"
    forget(stage)
    lose_workflows(stage)
    stage.run_to(START + timedelta(hours=6))
    resumed(stage, given)
    stage.run_to(START + timedelta(hours=7))
    assert stage.row.status == ("CANCELLED" if ended else "RUNNING")
    assert "claim.created" in stage.events
    assert stage.effects("CreateClaim") == 1


def test_erased_claim_that_is_resumed_fails_and_is_not_looked_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = opened()
    forget(stage)
    lose_workflows(stage)
    monkeypatch.setattr(ask_directory, "key_of", lambda *_: None)
    stage.resume()
    stage.finish()
    assert (stage.row.status, stage.events) == ("FAILED", ["claim.failed"])
