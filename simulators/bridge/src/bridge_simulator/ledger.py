"""The ledger: every writing operation that reached the rules, in DICT's order."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge_simulator.instants import from_us, to_us

_ROWS = (
    "SELECT sequence, operation, participant, claim_id, request_id, x_request_id,"
    " status_before, status_after, at_us, effective, problem_type FROM ledger"
)


@dataclass(frozen=True)
class Call:
    """Who asked for what; `x_request_id` comes from the call's metadata."""

    operation: str
    participant: str
    claim_id: str = ""
    request_id: str = ""
    x_request_id: str = ""


@dataclass(frozen=True)
class Operation:
    """One row. `effective` False: a repeat, or refused with `problem_type`."""

    sequence: int
    call: Call
    status_before: str
    status_after: str
    time: datetime
    effective: bool
    problem_type: str


def append(db: sqlite3.Connection, done: Operation) -> None:
    """Adds a row; its `sequence` is ignored, the file counts."""
    call = done.call
    db.execute(
        "INSERT INTO ledger (operation, claim_id, participant, request_id, x_request_id,"
        " status_before, status_after, at_us, effective, problem_type)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.operation,
            call.claim_id,
            call.participant,
            call.request_id,
            call.x_request_id,
            done.status_before,
            done.status_after,
            to_us(done.time),
            done.effective,
            done.problem_type,
        ),
    )


def operations(
    db: sqlite3.Connection, claim_id: str, after: int, effective_only: bool, limit: int
) -> list[Operation]:
    """Rows after a sequence number, ascending; an empty `claim_id` means all."""
    rows = db.execute(
        _ROWS + " WHERE sequence > ? AND (? = '' OR claim_id = ?) AND (effective OR NOT ?)"
        " ORDER BY sequence LIMIT ?",
        (after, claim_id, claim_id, effective_only, limit),
    )
    return [_operation(row) for row in rows]


def find(db: sqlite3.Connection, x_request_id: str) -> Operation | None:
    """The first row that was written under an x-request-id."""
    row = db.execute(
        _ROWS + " WHERE x_request_id = ? ORDER BY sequence LIMIT 1",
        (x_request_id,),
    ).fetchone()
    return _operation(row) if row else None


def _operation(row: tuple[Any, ...]) -> Operation:
    return Operation(
        row[0], Call(*row[1:6]), row[6], row[7], from_us(row[8]), bool(row[9]), row[10]
    )
