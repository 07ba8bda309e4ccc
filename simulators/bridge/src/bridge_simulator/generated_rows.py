"""Generated sets in the state file: their seeds, and which of their entries are gone.

An entry that was changed is gone from its set and stands among the stored ones.
"""

import sqlite3
from datetime import datetime

from bridge_simulator.cid import EMPTY_VERIFIER
from bridge_simulator.generated_set import GeneratedSet
from bridge_simulator.instants import to_us
from bridge_simulator.records import Account, Entry

_SETS = "SELECT participant, key_type, seed, count FROM generated_sets"


def add(db: sqlite3.Connection, new: GeneratedSet, verifier: str, at: datetime) -> None:
    """A set comes, whole; `verifier` is its VSync."""
    db.execute(
        "INSERT INTO generated_sets (participant, key_type, seed, count, verifier, made_us)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (new.participant, new.key_type, str(new.seed), new.count, verifier, to_us(at)),
    )


def all_sets(db: sqlite3.Connection) -> list[GeneratedSet]:
    """In the order of their making."""
    rows = db.execute(f"{_SETS} ORDER BY made_us, rowid")
    return [GeneratedSet(row[0], row[1], int(row[2]), row[3]) for row in rows]


def find(db: sqlite3.Connection, participant: str, key_type: str) -> GeneratedSet | None:
    """The one that a set was generated as."""
    row = db.execute(
        f"{_SETS} WHERE participant = ? AND key_type = ?", (participant, key_type)
    ).fetchone()
    return GeneratedSet(row[0], row[1], int(row[2]), row[3]) if row else None


def verifier(db: sqlite3.Connection, participant: str, key_type: str) -> str:
    """The VSync of a set before the first event of its log."""
    row = db.execute(
        "SELECT verifier FROM generated_sets WHERE participant = ? AND key_type = ?",
        (participant, key_type),
    ).fetchone()
    return row[0] if row else EMPTY_VERIFIER


def find_entry(db: sqlite3.Connection, key: str) -> Entry | None:
    """The generated entry of a key, unless it is gone."""
    for of in all_sets(db):
        index = of.index_of_key(key)
        if index is not None and not is_gone(db, of, index):
            return of.entry(index)
    return None


def count_of_account(db: sqlite3.Connection, account: Account) -> int:
    """How many generated keys an account has."""
    found = ((of, of.index_of_account(account)) for of in all_sets(db))
    return sum(index is not None and not is_gone(db, of, index) for of, index in found)


def take_out(db: sqlite3.Connection, key: str) -> None:
    """The generated entry of a key is gone from now on."""
    for of in all_sets(db):
        index = of.index_of_key(key)
        if index is not None:
            db.execute(
                "INSERT INTO generated_gone (participant, key_type, position) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (of.participant, of.key_type, index),
            )


def is_gone(db: sqlite3.Connection, of: GeneratedSet, index: int) -> bool:
    """Whether it was changed or removed since."""
    row = db.execute(
        "SELECT 1 FROM generated_gone WHERE participant = ? AND key_type = ? AND position = ?",
        (of.participant, of.key_type, index),
    ).fetchone()
    return row is not None


def gone(db: sqlite3.Connection, of: GeneratedSet) -> list[int]:
    """All that were, ascending."""
    rows = db.execute(
        "SELECT position FROM generated_gone WHERE participant = ? AND key_type = ?"
        " ORDER BY position",
        (of.participant, of.key_type),
    )
    return [row[0] for row in rows]
