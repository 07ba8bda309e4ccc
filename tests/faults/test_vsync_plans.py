"""Seeds of VSYNC: a plan is the seed's alone, every step is met, and the judge can fail."""

import json
from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from tests.faults.people import invented
from tests.faults.plan import is_for_servers
from tests.faults.vsync.bank import Papers, PlayedKey
from tests.faults.vsync.facts import Facts, xor
from tests.faults.vsync.judging import KEY_TYPES, Rounds, complaints
from tests.faults.vsync.plan import (
    CALLS,
    FILE_CALLS,
    OURS,
    ROWS,
    SERVERS,
    TABLES,
    TOPICS,
    Effect,
    Fate,
    KeyPlan,
    Moment,
    Way,
)
from tests.faults.vsync.planning import plan_of

SEEDS = range(1, 201)
FIRST, LAST = UUID(int=1), UUID(int=2)
PAPERS = Papers("PHONE", "+5561900000000", "1", "A", None, "1", "CACC", str(FIRST))


def test_a_seed_gives_the_same_plan_again() -> None:
    assert [plan_of(seed) for seed in SEEDS] == [plan_of(seed) for seed in SEEDS]
    assert len({repr(plan_of(seed)) for seed in SEEDS}) == len(SEEDS)


def test_a_worker_dies_at_every_step_of_a_run() -> None:
    met = {
        kill.moment
        for seed in SEEDS
        for kill in plan_of(seed).kills
        if kill.target == "vsync-worker"
    }
    calls = (*CALLS, *FILE_CALLS)
    assert met >= {
        *(Moment(Effect.SHOWN, row) for row in ROWS),
        *(Moment(effect, it) for it in calls for effect in (Effect.CALLED, Effect.DONE)),
        *(Moment(Effect.ON_TOPIC, name) for name in TOPICS),
        *(Moment(Effect.BLOCKED, table) for table in TABLES),
    }


def test_everything_else_dies_too() -> None:
    targets = {kill.target for seed in SEEDS for kill in plan_of(seed).kills}
    assert targets == {*OURS, *SERVERS} - {"sink"}
    for seed in SEEDS:
        plan = plan_of(seed)
        assert plan.kills
        kills = {kill.target for kill in plan.kills} & {*SERVERS}
        assert bool(kills) is is_for_servers(seed) is plan.kills_servers


def test_plans_meet_every_fate_way_and_fault() -> None:
    plans = [plan_of(seed) for seed in SEEDS]
    keys = [key for plan in plans for key in plan.keys]
    assert {(key.fate, key.told is None, key.at is None) for key in keys} == {
        (fate, told, before) for fate in Fate for told in (True, False) for before in (True, False)
    }
    assert {(key.fate, key.old) for key in keys if key.old} == {
        (fate, True) for fate in Fate if fate is not Fate.REBORN
    }
    assert {(plan.way, plan.again) for plan in plans} == {
        (way, again) for way in Way for again in (Way.LOG, Way.FILE)
    }
    kinds = {fault.kind for plan in plans for fault in plan.faults}
    assert kinds >= {"problem", "cut_before", "cut_after", "delay_before_ms", "delay_after_ms"}
    spoiled = {fault.kind for plan in plans for fault in plan.files}
    assert spoiled >= {"late_ms", "downloads_not_found", "cut_bytes", "wrong_sha256"}


def test_nobody_is_met_twice() -> None:
    planted = [value for seed in SEEDS for value in plan_of(seed).planted]
    assert len(set(planted)) == len(planted)


def cid(number: int) -> str:
    return f"{number:064x}"


def key(fate: Fate) -> PlayedKey:
    """One of each fate, of which Core tells nothing."""
    number = list(Fate).index(fate)
    person = invented(1, number, "PHONE", Random(1))
    played = PlayedKey(KeyPlan(number, person, fate, None, None), PAPERS, UUID(int=100 + number))
    played.held = fate is not Fate.ADDED
    played.cids = [cid(10 + number)]
    if fate in (Fate.CHANGED, Fate.REBORN):
        played.cids.append(cid(20 + number))
    played.cid = None if fate is Fate.REMOVED else played.cids[-1]
    return played


DONE = {
    Fate.ADDED: "CREATED",
    Fate.CHANGED: "UPDATED",
    Fate.REBORN: "UPDATED",
    Fate.REMOVED: "EXCLUDED",
}


def facts_of(keys: list[PlayedKey], runs: tuple[UUID, ...]) -> Facts:
    """As they are after runs that have done their work."""
    facts = Facts()
    for of in runs:
        for number in range(KEY_TYPES + 1):
            run_id = UUID(int=of.int * 1000 + number)
            key_type = "PHONE" if number == 0 else None if number == KEY_TYPES else f"T{number}"
            run = {"id": run_id, "key_type": key_type, "status": "COMPLETED"}
            facts.runs.append({**run, "completed_at": 1, "reason_code": None})
            facts.reports.append(run_id)
            standing = frozenset(it.cid for it in keys if it.cid and key_type == "PHONE")
            proof = xor(standing)
            _tell(facts, "vsync.started", run_id)
            _tell(facts, "vsync.completed", run_id, vsync=proof)
    for it in keys:
        _stands(facts, it)
    return facts


def _stands(facts: Facts, it: PlayedKey) -> None:
    made_up = it.plan.fate is Fate.ADDED
    id_ = UUID(int=500) if made_up else it.core_id
    review = UUID(int=600) if it.plan.fate is Fate.REMOVED else None
    events = 0
    if not made_up:
        _tell(facts, "entry.created", id_)
        events += 1
    if it.plan.fate in DONE:
        _tell(facts, "entry.corrected", id_, correction=DONE[it.plan.fate])
        events += 1
    entry = {"entry_id": id_, "active": it.cid is not None, "review_id": review}
    facts.entries.append({**entry, "version": events})
    facts.history += [{"entry_id": id_, "cid": one} for one in it.cids]
    if it.cid is not None:
        facts.cids.append({"entry_id": id_, "key_type": "PHONE", "cid": it.cid})
    if review is not None:
        facts.reviews.append({"id": review, "entry_id": id_, "status": "PENDING"})


def _tell(facts: Facts, name: str, about: UUID, **payload: str) -> None:
    event = {"name": name, "aggregate_id": str(about), "payload": json.dumps(payload)}
    facts.events.append(event)


def good() -> Rounds:
    """Nothing is wrong with it."""
    keys = [key(fate) for fate in Fate]
    at_dict = {"PHONE": frozenset(it.cid for it in keys if it.cid)}
    last = facts_of(keys, (FIRST, LAST))
    vsync = xor(at_dict["PHONE"])
    last.folds.append({"key_type": "PHONE", "keys": len(at_dict["PHONE"]), "vsync": vsync})
    return Rounds(2, facts_of(keys, (FIRST,)), last, keys, at_dict)


def _loses_entry(facts: Facts) -> None:
    facts.entries.pop(0)


def _repeats_correction(facts: Facts) -> None:
    facts.events.append(next(it for it in facts.events if it["name"] == "entry.corrected"))


def _corrects_what_was_right(facts: Facts) -> None:
    stays = UUID(int=100 + list(Fate).index(Fate.STAYS))
    _tell(facts, "entry.corrected", stays, correction="UPDATED")


def _reviews_what_stands(facts: Facts) -> None:
    stays = UUID(int=100 + list(Fate).index(Fate.STAYS))
    facts.reviews.append({"id": UUID(int=601), "entry_id": stays, "status": "PENDING"})


def _forgets_review(facts: Facts) -> None:
    facts.reviews.clear()


def _runs_on(facts: Facts) -> None:
    facts.runs[0] = {**facts.runs[0], "status": "RUNNING", "completed_at": None}


def _dies_without_reason(facts: Facts) -> None:
    facts.runs[0] = {**facts.runs[0], "status": "FAILED", "reason_code": "run-died"}


def _tells_end_twice(facts: Facts) -> None:
    facts.events.append(next(it for it in facts.events if it["name"] == "vsync.completed"))


def _reports_twice(facts: Facts) -> None:
    facts.reports.append(facts.reports[0])


def _proves_something_else(facts: Facts) -> None:
    facts.events[:] = [
        {**it, "payload": json.dumps({"vsync": cid(1)})} if it["name"] == "vsync.completed" else it
        for it in facts.events
    ]


def _holds_a_stranger(facts: Facts) -> None:
    facts.cids.append({"entry_id": UUID(int=700), "key_type": "PHONE", "cid": cid(99)})


def _folds_wrong(facts: Facts) -> None:
    facts.folds[0] = {**facts.folds[0], "vsync": cid(3)}


def _finds_again(facts: Facts) -> None:
    found = {"run_id": UUID(int=LAST.int * 1000), "local_cid": cid(10), "remote_cid": None}
    facts.discrepancies.append(found)


MUTATIONS: dict[Callable[[Facts], None], str] = {
    _loses_entry: "P6: its entry is gone",
    _repeats_correction: "was corrected by",
    _corrects_what_was_right: "may be by nothing",
    _reviews_what_stands: "1 open reviews",
    _forgets_review: "0 open reviews",
    _runs_on: "is RUNNING",
    _dies_without_reason: "because of run-died",
    _tells_end_twice: "completed and failed events: (2, 0)",
    _reports_twice: "has 2 reports",
    _proves_something_else: "was proven as",
    _holds_a_stranger: "1 stand here alone",
    _folds_wrong: "is not its VSync",
    _finds_again: "found 1 PHONE CIDs that were right",
}


def test_judge_has_nothing_against_a_good_one() -> None:
    assert complaints(good()) == []


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda it: it.__name__.strip("_"))
def test_judge_sees(mutate: Callable[[Facts], None]) -> None:
    rounds = good()
    mutate(rounds.last)
    assert any(MUTATIONS[mutate] in what for what in complaints(rounds)), complaints(rounds)


def test_judge_sees_what_the_next_run_missed() -> None:
    rounds = good()
    rounds.first.cids.pop()
    assert "missed 1" in " ".join(complaints(rounds))


def test_judge_wants_a_key_that_core_has_told_of_under_its_id() -> None:
    rounds = good()
    rounds.keys[list(Fate).index(Fate.ADDED)].told = True
    assert "does not stand under Core's id" in " ".join(complaints(rounds))
