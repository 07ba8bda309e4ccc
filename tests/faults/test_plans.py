"""A seed's plan is the seed's alone, and the oracle allows no more than the rules do."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from tests.faults.judging import Verdict, heard_of
from tests.faults.oracle import (
    APPROVED,
    REFUSED,
    REJECTED,
    TIMEOUT,
    WITHDRAWN,
    End,
    Heard,
    allowed_ends,
)
from tests.faults.people import invented
from tests.faults.plan import OWNERSHIP, PORTABILITY, ClaimPlan, Decision, Donor, Effect, When
from tests.faults.planning import OURS, SERVERS, plan_of
from tests.faults.playing import PlayedClaim, ToldDecision
from tests.faults.results import Line, append, line_of, seeds_done

SEEDS = range(1, 301)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_seed_gives_the_same_plan_again() -> None:
    assert [plan_of(seed) for seed in SEEDS] == [plan_of(seed) for seed in SEEDS]
    assert len({repr(plan_of(seed)) for seed in SEEDS}) == len(SEEDS)


def test_plans_kill_everything_in_every_way() -> None:
    kills = [kill for seed in SEEDS for kill in plan_of(seed).kills]
    targets = Counter(kill.target for kill in kills)
    assert set(targets) == {*OURS, *SERVERS}
    assert min(targets.values()) >= 10
    assert {kill.effect for kill in kills} == set(Effect)
    assert all(plan_of(seed).kills for seed in SEEDS)


def test_one_seed_in_five_kills_a_server_and_no_other_does() -> None:
    for seed in SEEDS:
        plan = plan_of(seed)
        assert plan.kills_servers is (seed % 5 == 0)
        assert any(kill.target in SERVERS for kill in plan.kills) is plan.kills_servers


def test_plans_meet_every_donor_decision_and_fault() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    claims = [claim for plan in plans for claim in plan.claims]
    assert {(claim.type, claim.donor) for claim in claims} == {
        (type_, donor) for type_ in (PORTABILITY, OWNERSHIP) for donor in Donor
    }
    decided = {(one.accept, one.when) for claim in claims for one in claim.decisions}
    assert decided == {(accept, when) for accept in (True, False) for when in When}
    kinds = {fault.kind for plan in plans for fault in plan.faults}
    assert kinds >= {"problem", "cut_before", "cut_after", "silence_before", "silence_after"}
    assert sum(plan.outage is not None for plan in plans) > len(plans) / 10


def test_nobody_is_met_twice() -> None:
    planted = [value for seed in SEEDS for value in plan_of(seed).planted]
    assert len(set(planted)) == len(planted)


def claim(type_: str, donor: Donor, *, proof: bool = False) -> ClaimPlan:
    """A claim whose deadline is moved where a plan would move it."""
    by_deadline = donor in (Donor.SILENT, Donor.NOTES) or (
        type_ == OWNERSHIP and donor is Donor.CONFIRMS and not proof
    )
    return ClaimPlan(
        number=0,
        type=type_,
        person=invented(1, 0, "PHONE", Random(1)),
        donor=donor,
        asked=0,
        copies=1,
        noted=1,
        answered=2,
        deadline=3 if by_deadline else None,
        proof=proof,
        decisions=(),
    )


@pytest.mark.parametrize(
    ("plan", "heard", "ends"),
    [
        (claim(PORTABILITY, Donor.HAS_NOT), Heard(in_time=True), {REFUSED}),
        (claim(PORTABILITY, Donor.CONFIRMS), Heard(), {APPROVED}),
        (claim(PORTABILITY, Donor.CONFIRMS), Heard(outlived=True), {APPROVED}),
        (claim(PORTABILITY, Donor.CONFIRMS), Heard(in_time=True), {APPROVED, WITHDRAWN}),
        (claim(PORTABILITY, Donor.CANCELS), Heard(), {REJECTED}),
        (claim(PORTABILITY, Donor.CANCELS), Heard(in_time=True), {REJECTED, WITHDRAWN}),
        (claim(PORTABILITY, Donor.SILENT), Heard(), {TIMEOUT}),
        (claim(PORTABILITY, Donor.NOTES), Heard(in_time=True), {WITHDRAWN}),
        (claim(PORTABILITY, Donor.NOTES), Heard(too_late_to_wait_for=True), {TIMEOUT, WITHDRAWN}),
        (claim(OWNERSHIP, Donor.CONFIRMS), Heard(), {TIMEOUT}),
        (claim(OWNERSHIP, Donor.CONFIRMS, proof=True), Heard(), {APPROVED}),
        (claim(OWNERSHIP, Donor.CONFIRMS, proof=True), Heard(outlived=True), {APPROVED, TIMEOUT}),
    ],
)
def test_oracle(plan: ClaimPlan, heard: Heard, ends: set[End]) -> None:
    assert allowed_ends(plan, heard) == ends


@pytest.mark.parametrize(
    ("decision", "minute", "heard"),
    [
        (Decision(accept=False, when=When.OPEN), 59, Heard(in_time=True)),
        (Decision(accept=False, when=When.IN_TIME), 60, Heard(too_late_to_wait_for=True)),
        (Decision(accept=False, when=When.LATE), 59, Heard()),
        (Decision(accept=True, when=When.OPEN), 59, Heard()),
    ],
)
def test_a_refusal_counts_by_when_the_broker_had_it(
    decision: Decision, minute: int, heard: Heard
) -> None:
    deadline = NOON + timedelta(hours=1)
    told = ToldDecision(UUID(int=1), decision, NOON + timedelta(minutes=minute))
    played = PlayedClaim(
        claim(PORTABILITY, Donor.SILENT), UUID(int=2), UUID(int=3), deadline, [told]
    )
    assert heard_of(played, outlived=False) == heard


def test_results_add_up_by_commit_and_seed(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    good = line_of("abc1234", 7, 3.2, ["worker (at 5 ms; away 0 ms)"], Verdict(("P:A",), (), ()))
    bad = Line("abc1234", 8, 9.0, (), (), "broken: P3", ("P3: twice",))
    for line in (good, bad, Line("fff0000", 9, 1.0, (), (), "P1", ())):
        append(results, line)
    assert seeds_done(results, "abc1234") == {7}
    assert seeds_done(results, "fff0000") == {9}
    assert "| abc1234 | 8 | BROKEN | 9 |" in results.read_text(encoding="utf-8")
