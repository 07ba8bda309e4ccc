"""Operations on a whole set at once: made from a seed, and changed behind everybody's back."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from bridge_simulator import (
    cid_rows,
    claim_rows,
    entry_rows,
    entry_rules,
    formats,
    generated_rows,
)
from bridge_simulator.cid import entry_cid
from bridge_simulator.directory import Directory, Outcome
from bridge_simulator.generated_cids import GeneratedCids
from bridge_simulator.generated_set import ACCOUNT_TYPES, COUNT_MAX, GeneratedSet
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Entry

CHANGES_MAX = 10_000
REASON = "RECONCILIATION"
"""The one that every update and every delete may have."""


@dataclass(frozen=True)
class EntryChange:
    """What became of one entry: ADDED (`before` None), CHANGED, or REMOVED (`after` None)."""

    before: Entry | None
    after: Entry | None


@dataclass(frozen=True)
class SetOrder:
    """How many entries of a set to change, remove and add; `seed` chooses which and how."""

    participant: str
    key_type: str
    seed: int
    change: int
    remove: int
    add: int


class SetOperations:
    """All or nothing, with one row in the ledger. Every method raises DictProblem."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def check(self, wanted: GeneratedSet) -> None:
        """Raises what `generate` would: its CIDs are dear."""
        with self._directory.store.transaction() as db:
            _check(db, wanted)

    def generate(self, wanted: GeneratedSet, cids: GeneratedCids, call: Call) -> str:
        """The set is there with these CIDs; its VSync."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[str]:
            _check(db, wanted)
            verifier = cids.sync_verifier()
            is_new = generated_rows.find(db, wanted.participant, wanted.key_type) is None
            if is_new:
                generated_rows.add(db, wanted, verifier, now)
                self._directory.generated.put(wanted, cids)
            return Outcome(verifier, effective=is_new)

        return self._directory.write(call, work)

    def change(self, order: SetOrder, call: Call) -> list[EntryChange]:
        """What was done, in the order of the log."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[list[EntryChange]]:
            _check_order(order)
            rng = random.Random(order.seed)  # noqa: S311 - the same seed, the same choice
            wanted, there = order.change + order.remove, _Unlocked(db, order)
            if len(there) < wanted:
                raise DictProblem("BadRequest", f"the set has {len(there)} entries without a claim")
            chosen = [there.entry(at) for at in rng.sample(range(len(there)), wanted)]
            done = [_altered(entry, rng) for entry in chosen[: order.change]]
            done += [EntryChange(entry, None) for entry in chosen[order.change :]]
            done += [EntryChange(None, entry) for entry in _new_entries(db, order, now)]
            for each in done:
                _apply(db, each, now)
            return Outcome(done, effective=True)

        return self._directory.write(call, work)


class _Unlocked:
    """A set's entries without an open claim, numbered: generated ones by index, stored by key."""

    def __init__(self, db: sqlite3.Connection, order: SetOrder) -> None:
        self._db = db
        locked = claim_rows.locked_keys(db)
        keys = entry_rows.stored_keys(db, order.participant, order.key_type)
        self._keys = [key for key in keys if key not in locked]
        self._of = generated_rows.find(db, order.participant, order.key_type)
        there = np.ones(self._of.count if self._of else 0, dtype=np.bool_)
        if self._of is not None:
            there[generated_rows.gone(db, self._of)] = False
            found = (self._of.index_of_key(key) for key in locked)
            there[[index for index in found if index is not None]] = False
        self._indexes = np.flatnonzero(there)

    def __len__(self) -> int:
        return len(self._indexes) + len(self._keys)

    def entry(self, at: int) -> Entry:
        """The entry of a number below the length."""
        if at < len(self._indexes):
            assert self._of is not None, "only a generated set has indexes"
            return self._of.entry(int(self._indexes[at]))
        entry = entry_rows.find(self._db, self._keys[at - len(self._indexes)])
        assert entry is not None, "its key was just read"
        return entry


def _check(db: sqlite3.Connection, wanted: GeneratedSet) -> None:
    formats.require_participant(wanted.participant)
    formats.require_key_type(wanted.key_type)
    if not 1 <= wanted.count <= COUNT_MAX:
        raise DictProblem("BadRequest", f"count: 1 to {COUNT_MAX}")
    sets = generated_rows.all_sets(db)
    if wanted in sets:
        return
    of_set = (wanted.participant, wanted.key_type)
    if entry_rows.stored_keys(db, *of_set) or cid_rows.has_events(db, *of_set):
        raise DictProblem("BadRequest", "the set has entries or a log: generate it before them")
    for other in sets:
        if (other.participant, other.key_type) == of_set:
            raise DictProblem("BadRequest", f"the set was generated from seed {other.seed}")
        if other.shares_keys_with(wanted):
            raise DictProblem("BadRequest", f"{other.participant} has some keys: change the seed")
    taken = entry_rows.keys_of_type(db, wanted.key_type) + list(claim_rows.locked_keys(db))
    if any(wanted.index_of_key(key) is not None for key in taken):
        raise DictProblem("BadRequest", "some keys have an entry or a claim: change the seed")


def _check_order(order: SetOrder) -> None:
    formats.require_participant(order.participant)
    formats.require_key_type(order.key_type)
    if not 1 <= order.change + order.remove + order.add <= CHANGES_MAX:
        raise DictProblem("BadRequest", f"change, remove and add: together 1 to {CHANGES_MAX}")


def _altered(old: Entry, rng: random.Random) -> EntryChange:
    """Another name, account number or account type under the same RequestId."""
    new = old
    while new.cid == old.cid:  # the same seed, once more, may draw what the entry has already
        new = _drawn(old, rng)
    entry_rules.check_update(old, new.account, new.owner, REASON)
    return EntryChange(old, new)


def _drawn(old: Entry, rng: random.Random) -> Entry:
    owner, account = old.owner, old.account
    match rng.randrange(3):
        case 0:
            owner = replace(owner, name=f"Nome {rng.getrandbits(32):08x}")
        case 1:
            account = replace(account, account_number=f"{rng.randrange(10**10):010d}")
        case _:
            account = replace(account, account_type=rng.choice(ACCOUNT_TYPES))
    cid = entry_cid(old.request_id, old.key_type, old.key, owner, account)
    return replace(old, account=account, owner=owner, cid=cid)


def _new_entries(db: sqlite3.Connection, order: SetOrder, now: datetime) -> Iterator[Entry]:
    """Entries of the seed behind all that a set can be generated with."""
    source = GeneratedSet(order.participant, order.key_type, order.seed, COUNT_MAX)
    index, made = COUNT_MAX, 0
    while made < order.add:
        entry = source.entry(index)
        index += 1
        if entry_rows.find(db, entry.key) or claim_rows.find_open(db, entry.key):
            continue  # the same seed was here before
        made += 1
        yield replace(entry, creation_date=now, key_ownership_date=now)


def _apply(db: sqlite3.Connection, change: EntryChange, now: datetime) -> None:
    if change.before is None:
        assert change.after is not None, "a change has a side"
        entry_rows.add(db, change.after, now)
    elif change.after is None:
        entry_rows.remove(db, change.before, now)
    else:
        entry_rows.replace(db, change.before, change.after, now)
