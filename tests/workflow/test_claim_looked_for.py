"""DICT's list is all that tells whether an unanswered createClaim has opened a claim."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from claim_orchestrator.application import ask_directory
from claim_orchestrator.application.claim_process import CLAIM_OPERATOR_SIGNAL
from claim_orchestrator.domain.claim import Role
from tests.support.claim_inputs import command_of, process_input
from tests.support.claim_scenes import (
    LOST,
    SILENCE,
    forget,
    lose_workflows,
    opened,
    order_resume,
    refused,
)
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble
from tests.support.workflow_simulation import START, Chance, answer_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEY = (CLAIM, Role.CLAIMER)
CROWD = 10_000


def crowd(stage: ClaimStage, number: int, since: datetime, apart: timedelta) -> None:
    """Claims of other keys of the participant."""
    (one,) = opened().directory.claims.values()
    for n in range(1, number + 1):
        id_, at = UUID(int=CROWD + n), since + apart * n
        stage.directory.claims[id_] = replace(one, id=str(id_), key=f"+5511{n}", last_modified=at)


def trouble_until(stage: ClaimStage, instant: datetime, *operations: str) -> None:
    """No answer to these operations, to all if none is named, until then."""
    stage.directory.trouble = lambda name: (
        SILENCE if stage.simulation.now_ < instant and name in (operations or (name,)) else None
    )


def never_opened(stage: ClaimStage, command_id: UUID) -> None:
    """The workflow was lost while the Bridge was away; the Bridge is back, and it is resumed."""
    trouble_until(stage, START + 2 * MINUTE)
    stage.open()
    stage.run_to(START + 2 * MINUTE)
    lose_workflows(stage)
    given = replace(process_input(CLAIM), command_id=command_id, resumed=True)
    answer_of(stage.process.restart(given))


@pytest.mark.parametrize("command_id", [command_of(START), UUID(int=6)], ids=["v7", "no time"])
def test_resumed_claim_that_was_never_opened_is_opened_behind_a_long_list(
    command_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_directory, "PAGES_MAX", 2)
    stage = ClaimStage()
    crowd(stage, 1_401, START - 20 * HOUR, timedelta(seconds=10))
    never_opened(stage, command_id)
    stage.run_to(START + 4 * MINUTE)
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1


@pytest.mark.parametrize("calls_a_minute", [9, 20])
def test_look_goes_on_where_dicts_limit_stopped_it(calls_a_minute: int) -> None:
    """30 pages: a look that began anew would never reach the end."""
    stage = ClaimStage()
    crowd(stage, 6_000, START - 20 * HOUR, timedelta(seconds=1))
    never_opened(stage, command_of(START))
    asked: list[datetime] = []

    def limited(operation: str) -> Trouble | None:
        if operation != "ListClaims":
            return None
        now = stage.simulation.now_
        if len([at for at in asked if at > now - MINUTE]) >= calls_a_minute:
            return refused("RateLimited", 429)
        asked.append(now)
        return None

    stage.directory.trouble = limited
    stage.run_to(START + 10 * MINUTE)
    assert stage.events == ["claim.created"]


def test_long_list_stops_no_claim_that_nobody_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_directory, "PAGES_MAX", 1)
    stage = ClaimStage()
    crowd(stage, 1_401, START, timedelta(milliseconds=100))
    trouble_until(stage, START + 5 * MINUTE, "CreateClaim")
    stage.open()
    stage.run_to(START + 10 * MINUTE)
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1


def test_instant_with_more_claims_than_a_page_is_not_taken_for_the_lists_end() -> None:
    stage = opened()
    crowd(stage, 201, START, timedelta(0))
    forget(stage)
    lose_workflows(stage)
    stage.run_to(START + 2 * HOUR)
    stage.resume()
    stage.run_to(START + 3 * HOUR)
    assert stage.claims.last_errors[KEY] == "claim-list-unread"
    assert (stage.row.status, stage.effects("CreateClaim")) == ("RUNNING", 1)
    del stage.directory.claims[UUID(int=CROWD + 1)], stage.directory.claims[UUID(int=CROWD + 2)]
    order_resume(stage)
    stage.run_to(START + 3 * HOUR + MINUTE)
    assert stage.events == ["claim.created"]
    assert stage.effects("CreateClaim") == 1


def dead_claim(stage: ClaimStage, ended_at: datetime) -> None:
    """One of the same key and account that stands in no row of ours, as of another system: opened
    five days before it ended."""
    (one,) = opened().directory.claims.values()
    stage.directory.claims[UUID(int=4711)] = replace(
        one,
        id=str(UUID(int=4711)),
        status="CANCELLED",
        cancelled_by="DONOR",
        cancel_reason="USER_REQUESTED",
        resolution_period_end=ended_at + timedelta(days=2),
        last_modified=ended_at,
    )


@pytest.mark.parametrize("before", [-MINUTE, timedelta(seconds=30), 20 * HOUR])
@pytest.mark.parametrize("broken", ["silent", "answer lost", "workflow lost"])
def test_claim_that_was_over_before_ours_is_not_taken_for_it(
    before: timedelta, broken: str
) -> None:
    stage = ClaimStage()
    dead_claim(stage, START - before)
    if broken == "workflow lost":
        never_opened(stage, command_of(START))
    else:
        trouble_until(stage, START + 2 * MINUTE, "CreateClaim")
        if broken == "answer lost":
            stage.directory.trouble = lost_once()
        stage.open()
    stage.run_to(START + 20 * MINUTE)
    assert stage.row.shown is not None
    assert stage.row.shown.status == "OPEN"
    assert stage.effects("CreateClaim") == 1


def lost_once() -> Callable[[str], Trouble | None]:
    """createClaim's answer is lost, and all later ones: DICT's list alone tells."""
    answers = [LOST]

    def trouble(operation: str) -> Trouble | None:
        if operation == "CreateClaim":
            return answers.pop() if answers else SILENCE
        return None

    return trouble


@pytest.mark.parametrize("late", [False, True], ids=["while it waits", "beside a look"])
def test_order_has_a_held_opening_looked_for_at_once(late: bool) -> None:
    stage, lost, mended = ClaimStage(), lost_once(), False
    looks: list[datetime] = []

    def trouble(operation: str) -> Trouble | None:
        if operation == "ListClaims" and not mended:
            looks.append(stage.simulation.now_)
            return refused("Forbidden", 403)
        return lost(operation)

    stage.directory.trouble = trouble
    if late:
        stage.simulation.chance = lambda name: (
            Chance(2.0) if name == "RecordTransition" else Chance()
        )
    stage.open()
    stage.run_to(START + 20 * HOUR)
    assert stage.claims.last_errors[KEY] == "Forbidden"
    seen = len(looks)
    while late and len(looks) == seen:
        stage.run_to(stage.simulation.now_ + timedelta(seconds=0.5))
    mended = True
    order_resume(stage)
    stage.run_to(stage.simulation.now_ + MINUTE)
    assert stage.events == ["claim.created"]
    assert stage.noted(CLAIM_OPERATOR_SIGNAL) == [("SIGNAL_RECEIVED", "CLAIM_RESUME")]
