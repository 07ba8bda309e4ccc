"""The log of CIDs, with the VSync after each event."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from bridge_simulator import generated_rows
from bridge_simulator.cid import toggled
from bridge_simulator.instants import from_us, to_us
from bridge_simulator.records import Entry


@dataclass(frozen=True)
class CidEvent:
    """`type` is ADDED or REMOVED; `verifier_after` the set's VSync after it."""

    type: str
    cid: str
    timestamp: datetime
    verifier_after: str


def append(db: sqlite3.Connection, entry: Entry, event_type: str, at: datetime) -> None:
    """An event of the set that the entry belongs to."""
    participant = entry.account.participant
    verifier = toggled(verifier_now(db, participant, entry.key_type), entry.cid)
    db.execute(
        "INSERT INTO cid_events (participant, key_type, type, cid, at_us, verifier_after)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (participant, entry.key_type, event_type, entry.cid, to_us(at), verifier),
    )


def verifier_now(db: sqlite3.Connection, participant: str, key_type: str) -> str:
    """The set's VSync after its last event."""
    row = db.execute(
        "SELECT verifier_after FROM cid_events WHERE participant = ? AND key_type = ?"
        " ORDER BY sequence DESC LIMIT 1",
        (participant, key_type),
    ).fetchone()
    return row[0] if row else generated_rows.verifier(db, participant, key_type)


def verifier_before(db: sqlite3.Connection, participant: str, key_type: str, before_us: int) -> str:
    """The set's VSync just before an instant."""
    row = db.execute(
        "SELECT verifier_after FROM cid_events WHERE participant = ? AND key_type = ?"
        " AND at_us < ? ORDER BY at_us DESC, sequence DESC LIMIT 1",
        (participant, key_type, before_us),
    ).fetchone()
    return row[0] if row else generated_rows.verifier(db, participant, key_type)


def has_events(db: sqlite3.Connection, participant: str, key_type: str) -> bool:
    """Whether anything stands in the set's log."""
    row = db.execute(
        "SELECT 1 FROM cid_events WHERE participant = ? AND key_type = ? LIMIT 1",
        (participant, key_type),
    ).fetchone()
    return row is not None


def events(
    db: sqlite3.Connection, participant: str, key_type: str, window_us: tuple[int, int], limit: int
) -> list[CidEvent]:
    """At most `limit` events of a set, ascending; both ends of the window belong to it."""
    rows = db.execute(
        "SELECT type, cid, at_us, verifier_after FROM cid_events"
        " WHERE participant = ? AND key_type = ? AND at_us BETWEEN ? AND ?"
        " ORDER BY at_us, sequence LIMIT ?",
        (participant, key_type, *window_us, limit),
    )
    return [CidEvent(row[0], row[1], from_us(row[2]), row[3]) for row in rows]


def stored(db: sqlite3.Connection, participant: str, key_type: str) -> list[str]:
    """The CIDs of a set's stored entries, in an order that says nothing."""
    rows = db.execute(
        "SELECT cid FROM entries WHERE participant = ? AND key_type = ? ORDER BY substr(cid, 33)",
        (participant, key_type),
    )
    return [row[0] for row in rows]
