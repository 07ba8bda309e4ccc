"""Entries in the state file, and the log of CIDs that every change of them writes."""

import json
import sqlite3
from datetime import datetime

from bridge_simulator import cid_rows, generated_rows
from bridge_simulator.documents import to_document, to_entry
from bridge_simulator.records import Account, Entry


def find(db: sqlite3.Connection, key: str) -> Entry | None:
    """The entry of a key."""
    row = db.execute("SELECT body FROM entries WHERE key = ?", (key,)).fetchone()
    return to_entry(row[0]) if row else generated_rows.find_entry(db, key)


def find_stored_by_cid(db: sqlite3.Connection, cid: str) -> Entry | None:
    """The stored entry that has this CID now."""
    row = db.execute("SELECT body FROM entries WHERE cid = ?", (cid,)).fetchone()
    return to_entry(row[0]) if row else None


def stored_keys(db: sqlite3.Connection, participant: str, key_type: str) -> list[str]:
    """The keys of a set's stored entries, in their order."""
    rows = db.execute(
        "SELECT key FROM entries WHERE participant = ? AND key_type = ? ORDER BY key",
        (participant, key_type),
    )
    return [row[0] for row in rows]


def keys_of_type(db: sqlite3.Connection, key_type: str) -> list[str]:
    """The keys of all stored entries of a type."""
    rows = db.execute("SELECT key FROM entries WHERE key_type = ?", (key_type,))
    return [row[0] for row in rows]


def count_of_account(db: sqlite3.Connection, account: Account) -> int:
    """How many keys an account has."""
    found = db.execute("SELECT count(*) FROM entries WHERE account = ?", (_number(account),))
    count: int = found.fetchone()[0]
    return count + generated_rows.count_of_account(db, account)


def add(db: sqlite3.Connection, entry: Entry, at: datetime) -> None:
    """A new entry: ADDED."""
    _insert(db, entry)
    cid_rows.append(db, entry, "ADDED", at)


def remove(db: sqlite3.Connection, entry: Entry, at: datetime) -> None:
    """An entry goes: REMOVED."""
    _take_out(db, entry.key)
    cid_rows.append(db, entry, "REMOVED", at)


def replace(db: sqlite3.Connection, old: Entry, new: Entry, at: datetime) -> None:
    """An entry changes: REMOVED and ADDED, unless the CID stays the same."""
    _take_out(db, old.key)
    _insert(db, new)
    if old.cid != new.cid:
        cid_rows.append(db, old, "REMOVED", at)
        cid_rows.append(db, new, "ADDED", at)


def _take_out(db: sqlite3.Connection, key: str) -> None:
    if not db.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount:
        generated_rows.take_out(db, key)


def _insert(db: sqlite3.Connection, entry: Entry) -> None:
    db.execute(
        "INSERT INTO entries (key, key_type, participant, account, cid, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            entry.key,
            entry.key_type,
            entry.account.participant,
            _number(entry.account),
            entry.cid,
            to_document(entry),
        ),
    )


def _number(account: Account) -> str:
    return json.dumps([account.participant, account.branch, account.account_number])
