"""What a user or an auditor would complain of. Pure: facts in, complaints out."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.faults.vsync.bank import PlayedKey
from tests.faults.vsync.facts import Facts, Row, xor
from tests.faults.vsync.plan import Fate

KEY_TYPES = 5
ENDS = frozenset({"COMPLETED", "PARTIAL_SUCCESS", "FAILED"})
OPEN = frozenset({"PENDING", "INVESTIGATING", "AWAITING_SECOND", "KEEPING"})
_ANEW = (("UPDATED",), ("EXCLUDED", "RESTORED"))
_SILENT: dict[Fate, tuple[tuple[str, ...], ...]] = {
    Fate.STAYS: ((),),
    Fate.ADDED: (("CREATED",),),
    Fate.CHANGED: (("UPDATED",),),
    Fate.REMOVED: (("EXCLUDED",),),
    Fate.REBORN: _ANEW,
}
"""What is done to a key of which Core tells nothing."""
_TOLD: dict[Fate, tuple[tuple[str, ...], ...]] = {
    Fate.STAYS: ((),),
    Fate.ADDED: ((), ("CREATED", "ADOPTED")),
    Fate.CHANGED: ((), ("UPDATED",)),
    Fate.REMOVED: ((), ("EXCLUDED",)),
    Fate.REBORN: ((), ("EXCLUDED",), *_ANEW),
}
"""And where Core tells of it: its report and the run may meet in either order."""


@dataclass(frozen=True)
class Rounds:
    """How many runs of the whole participant were asked for; `first` before the next one, `last`
    after it; `at_dict`: what DICT has of each key type."""

    asked: int
    first: Facts
    last: Facts
    keys: Sequence[PlayedKey]
    at_dict: dict[str, frozenset[str]]


def complaints(rounds: Rounds) -> list[str]:
    """Everything that is wrong; empty = nothing."""
    return [
        *_runs(rounds),
        *_last_run(rounds),
        *_found_again(rounds),
        *_sets(rounds),
        *_keys(rounds),
        *_versions(rounds.last),
    ]


def _runs(rounds: Rounds) -> list[str]:
    """Each has one end, one reason where it is not COMPLETED, one report, one event."""
    facts = rounds.last
    broken = []
    wanted = rounds.asked * (KEY_TYPES + 1)
    if len(facts.runs) != wanted:
        broken.append(f"{len(facts.runs)} runs, not {wanted}")
    reports = Counter(facts.reports)
    started, completed, failed = map(
        facts.told, ("vsync.started", "vsync.completed", "vsync.failed")
    )
    for row in facts.runs:
        name, id_ = f"run of {row['key_type'] or 'all sets'}", str(row["id"])
        if row["status"] not in ENDS or row["completed_at"] is None:
            broken.append(f"{name} is {row['status']}")
        elif row["status"] == "FAILED" and row["reason_code"] in (None, "unknown", "run-died"):
            broken.append(f"{name} is FAILED because of {row['reason_code']}")
        if reports[row["id"]] != 1:
            broken.append(f"{name} has {reports[row['id']]} reports")
        ends = (completed[id_], failed[id_])
        if ends != ((0, 1) if row["status"] == "FAILED" else (1, 0)):
            broken.append(f"{name} is {row['status']}, its completed and failed events: {ends}")
        if started[id_] != 1:
            broken.append(f"{name} has told {started[id_]} times that it started")
    return broken


def _last_run(rounds: Rounds) -> list[str]:
    """Nothing goes wrong any more: the next run proves every set, whose VSync is DICT's."""
    fresh = _fresh(rounds)
    broken = [
        f"next run of {row['key_type'] or 'all sets'} is {row['status']}: {row['reason_code']}"
        for row in rounds.last.runs
        if row["id"] in fresh and row["status"] != "COMPLETED"
    ]
    ends = {
        row["aggregate_id"]: json.loads(row["payload"])
        for row in rounds.last.events
        if row["name"] == "vsync.completed"
    }
    for row in rounds.last.runs:
        end = ends.get(str(row["id"]))
        if row["id"] not in fresh or row["key_type"] is None or end is None:
            continue
        theirs = xor(rounds.at_dict.get(row["key_type"], frozenset()))
        if end["vsync"] != theirs:
            broken.append(f"P7: {row['key_type']} was proven as {end['vsync']}, DICT's {theirs}")
    return broken


def _found_again(rounds: Rounds) -> list[str]:
    """The next run finds what remained, all of it and nothing else."""
    fresh = _fresh(rounds)
    key_type_of = {row["id"]: row["key_type"] for row in rounds.last.runs}
    found: dict[str, set[str]] = {}
    for row in rounds.last.discrepancies:
        if row["run_id"] in fresh:
            cids = {row["local_cid"], row["remote_cid"]} - {None}
            found.setdefault(key_type_of[row["run_id"]], set()).update(cids)
    broken = []
    for key_type in {*rounds.at_dict, *found}:
        remained = rounds.at_dict.get(key_type, frozenset()) ^ rounds.first.active(key_type)
        if found.get(key_type, set()) != remained:
            more = len(found.get(key_type, set()) - remained)
            less = len(remained - found.get(key_type, set()))
            broken.append(
                f"the next run found {more} {key_type} CIDs that were right, and missed {less}"
            )
    return broken


def _sets(rounds: Rounds) -> list[str]:
    """Ours, its fold and DICT's are one."""
    broken = []
    folds = {row["key_type"]: row for row in rounds.last.folds}
    for key_type, theirs in rounds.at_dict.items():
        ours = rounds.last.active(key_type)
        if ours != theirs:
            broken.append(
                f"P7: {key_type}: {len(ours - theirs)} stand here alone, "
                f"{len(theirs - ours)} at DICT alone"
            )
        fold = folds.get(key_type)
        if fold is not None and (fold["vsync"], fold["keys"]) != (xor(ours), len(ours)):
            broken.append(f"the fold of {key_type} is not its VSync")
    return broken


def _keys(rounds: Rounds) -> list[str]:
    return [
        f"{key.plan.fate} key {key.plan.number}{' (Core told)' if key.told else ''}: {what}"
        for key in rounds.keys
        for what in _key(key, rounds.last)
    ]


def _key(key: PlayedKey, facts: Facts) -> list[str]:
    """It has the corrections, the entries and the reviews that it may have, and no others."""
    ids = {key.core_id} | {row["entry_id"] for row in facts.history if row["cid"] in key.cids}
    entries = [row for row in facts.entries if row["entry_id"] in ids]
    reviews = [row for row in facts.reviews if row["entry_id"] in ids]
    done = _corrections(facts, ids)
    allowed = (_TOLD if key.told else _SILENT)[key.plan.fate]
    broken = []
    if done not in [tuple(sorted(it)) for it in allowed]:
        may = " or ".join("+".join(it) or "nothing" for it in allowed)
        broken.append(f"was corrected by {'+'.join(done) or 'nothing'}, may be by {may}")
    if len(reviews) != done.count("EXCLUDED"):
        broken.append(f"{len(reviews)} reviews")
    if (key.held or key.told) and key.core_id not in {row["entry_id"] for row in entries}:
        broken.append("P6: its entry is gone")
    return broken + _as_it_stands(key, entries, reviews)


def _as_it_stands(key: PlayedKey, entries: Sequence[Row], reviews: Sequence[Row]) -> list[str]:
    active = [row["entry_id"] for row in entries if row["active"]]
    waiting = [row for row in reviews if row["status"] in OPEN]
    review_ids = {row["review_id"] for row in entries} - {None}
    removed = key.plan.fate is Fate.REMOVED
    broken = []
    if len(active) != (0 if removed else 1):
        broken.append(f"{len(active)} of its entries stand")
    elif active and (key.held or key.told) and active != [key.core_id]:
        broken.append("does not stand under Core's id")
    if len(waiting) != (1 if removed and not key.told else 0):
        broken.append(f"{len(waiting)} open reviews")
    if review_ids != {row["id"] for row in waiting}:
        broken.append("its entries and its reviews do not agree")
    return broken


def _corrections(facts: Facts, ids: set[UUID]) -> tuple[str, ...]:
    names = {str(it) for it in ids}
    return tuple(
        sorted(
            json.loads(row["payload"])["correction"]
            for row in facts.events
            if row["name"] == "entry.corrected" and row["aggregate_id"] in names
        )
    )


def _versions(facts: Facts) -> list[str]:
    """P9 for entries: the version counts the events."""
    told = Counter(row["aggregate_id"] for row in facts.events if row["name"].startswith("entry."))
    return [
        f"P9: entry {row['entry_id']} has version {row['version']} and "
        f"{told[str(row['entry_id'])]} events"
        for row in facts.entries
        if row["version"] != told[str(row["entry_id"])]
    ]


def _fresh(rounds: Rounds) -> set[UUID]:
    return {row["id"] for row in rounds.last.runs} - {row["id"] for row in rounds.first.runs}
