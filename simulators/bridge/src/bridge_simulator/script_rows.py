"""The script in the state file: acts that wait for a claim, for their time, for a status.

An act is done when the ledger has a row under its x-request-id: both are one commit.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge_simulator.instants import from_us, to_us
from bridge_simulator.records import Claim


@dataclass(frozen=True)
class Act:
    """One step that the simulator takes by itself; key or claim id says on which claim."""

    x_request_id: str
    key: str
    claim_id: str
    participant: str
    action: str
    reason: str
    request_id: str
    after_ms: int
    only_if_status: str


@dataclass(frozen=True)
class Appointment:
    """An act with its claim and its time; empty and None while there is no claim."""

    act: Act
    claim_id: str
    due: datetime | None


def replace_script(db: sqlite3.Connection, acts: Sequence[Act], now: datetime) -> None:
    """The old script goes. Acts whose claim is open already count their time from `now`."""
    db.execute("DELETE FROM acts")
    for position, act in enumerate(acts):
        db.execute(
            "INSERT INTO acts (position, x_request_id, key, claim_id, after_ms, due_us,"
            " only_if_status, body) VALUES (?, ?, ?, coalesce((SELECT id FROM claims"
            " WHERE key = ? AND status NOT IN ('COMPLETED', 'CANCELLED')), ?), ?, NULL, ?, ?)",
            (
                position,
                act.x_request_id,
                act.key,
                act.key,
                act.claim_id,
                act.after_ms,
                act.only_if_status,
                json.dumps(dataclasses.asdict(act), ensure_ascii=False),
            ),
        )
    db.execute("UPDATE acts SET due_us = ? + after_ms * 1000 WHERE claim_id <> ''", (to_us(now),))


def bind(db: sqlite3.Connection, claim: Claim, opened: datetime) -> None:
    """A claim was opened: the acts that wait for one on its key have theirs."""
    db.execute(
        "UPDATE acts SET claim_id = ?, due_us = ? + after_ms * 1000"
        " WHERE claim_id = '' AND key = ?",
        (claim.id, to_us(opened), claim.key),
    )


def next_due(db: sqlite3.Connection, now: datetime) -> Appointment | None:
    """The first act whose time and status have come."""
    row = db.execute(
        "SELECT act.body, act.claim_id, act.due_us FROM acts_undone AS act"
        " JOIN claims ON claims.id = act.claim_id"
        " WHERE act.due_us <= ? AND act.only_if_status IN ('', claims.status)"
        " ORDER BY act.due_us, act.position LIMIT 1",
        (to_us(now),),
    ).fetchone()
    return _appointment(*row) if row else None


def next_time(db: sqlite3.Connection, now: datetime) -> timedelta | None:
    """How long until the next act's time comes; None = none has a time ahead."""
    row = db.execute(
        "SELECT min(due_us) FROM acts_undone WHERE due_us > ?", (to_us(now),)
    ).fetchone()
    return None if row[0] is None else from_us(row[0]) - now


def appointments(db: sqlite3.Connection) -> list[Appointment]:
    """The script in its order, done acts included."""
    rows = db.execute("SELECT body, claim_id, due_us FROM acts ORDER BY position")
    return [_appointment(*row) for row in rows]


def _appointment(body: str, claim_id: str, due_us: int | None) -> Appointment:
    due = None if due_us is None else from_us(due_us)
    return Appointment(Act(**json.loads(body)), claim_id, due)
