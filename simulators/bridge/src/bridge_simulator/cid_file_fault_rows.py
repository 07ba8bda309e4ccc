"""The plan of faults of files in the state file, with its counters."""

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from bridge_simulator.cid_file_faults import CidFileFault, FileTrouble


@dataclass(frozen=True)
class CidFileFaultCount:
    """`seen` files matched so far, skipped ones included; `fired` were hit."""

    fault: CidFileFault
    seen: int
    fired: int


def replace_plan(db: sqlite3.Connection, plan: Sequence[CidFileFault]) -> None:
    """The old plan and its counters go; files asked for before keep what they got."""
    db.execute("DELETE FROM cid_file_faults")
    db.executemany(
        "INSERT INTO cid_file_faults (position, participant, key_type, skip, times, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                position,
                fault.participant,
                fault.key_type,
                fault.skip,
                fault.times,
                to_document(fault.trouble),
            )
            for position, fault in enumerate(plan)
        ),
    )


def plan_counts(db: sqlite3.Connection) -> list[CidFileFaultCount]:
    """The plan in its order."""
    rows = db.execute(
        "SELECT participant, key_type, skip, times, body, seen, fired FROM cid_file_faults"
        " ORDER BY position"
    )
    return [
        CidFileFaultCount(
            CidFileFault(row[0], row[1], row[2], row[3], to_trouble(row[4])), *row[5:]
        )
        for row in rows
    ]


def take(db: sqlite3.Connection, participant: str, key_type: str) -> FileTrouble | None:
    """The trouble of a file that is asked for, counted; faults before it have seen it pass."""
    rows = db.execute(
        "SELECT position, skip, body, seen FROM cid_file_faults WHERE participant IN ('', ?)"
        " AND key_type IN ('', ?) AND (times = 0 OR fired < times) ORDER BY position",
        (participant, key_type),
    ).fetchall()
    for position, skip, body, seen in rows:
        hit = seen >= skip
        db.execute(
            "UPDATE cid_file_faults SET seen = seen + 1, fired = fired + ? WHERE position = ?",
            (hit, position),
        )
        if hit:
            return to_trouble(body)
    return None


def to_document(trouble: FileTrouble) -> str:
    """JSON text."""
    return json.dumps(dataclasses.asdict(trouble), ensure_ascii=False)


def to_trouble(document: str) -> FileTrouble:
    """The trouble that `to_document` wrote."""
    return FileTrouble(**json.loads(document))
