"""The plan of faults and the outage in the state file, with their counters."""

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge_simulator.faults import BridgeCall, Effect, Fault, InjectedProblem


@dataclass(frozen=True)
class FaultCount:
    """`seen` calls matched so far, skipped ones included; `fired` were hit."""

    fault: Fault
    seen: int
    fired: int


@dataclass(frozen=True)
class Outage:
    """The Bridge is away; `problem` None = without a problem document."""

    problem: InjectedProblem | None


def replace_plan(db: sqlite3.Connection, plan: Sequence[Fault]) -> None:
    """The old plan and its counters go."""
    db.execute("DELETE FROM faults")
    db.executemany(
        "INSERT INTO faults (position, operation, claim_id, participant, times, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                position,
                fault.operation,
                fault.claim_id,
                fault.participant,
                fault.times,
                _document(dataclasses.asdict(fault) | {"effect": fault.effect.value}),
            )
            for position, fault in enumerate(plan)
        ),
    )


def plan_counts(db: sqlite3.Connection) -> list[FaultCount]:
    """The plan in its order."""
    rows = db.execute("SELECT body, seen, fired FROM faults ORDER BY position")
    return [FaultCount(_fault(row[0]), row[1], row[2]) for row in rows]


def take(db: sqlite3.Connection, call: BridgeCall) -> Fault | None:
    """The fault that hits this call, counted; those before it have seen the call pass."""
    rows = db.execute(
        "SELECT position, body, seen FROM faults WHERE operation IN ('', ?)"
        " AND claim_id IN ('', ?) AND participant IN ('', ?) AND (times = 0 OR fired < times)"
        " ORDER BY position",
        (call.operation, call.claim_id, call.participant),
    ).fetchall()
    for position, body, seen in rows:
        fault = _fault(body)
        if fault.cid not in ("", call.cid):
            continue
        hit = fault.falls_on(seen + 1)
        db.execute(
            "UPDATE faults SET seen = seen + 1, fired = fired + ? WHERE position = ?",
            (hit, position),
        )
        if hit:
            return fault
    return None


def set_outage(db: sqlite3.Connection, outage: Outage | None) -> None:
    """None: the Bridge is back."""
    db.execute("DELETE FROM outage")
    if outage is not None:
        problem = outage.problem
        document = None if problem is None else _document(dataclasses.asdict(problem))
        db.execute("INSERT INTO outage (id, problem) VALUES (1, ?)", (document,))


def find_outage(db: sqlite3.Connection) -> Outage | None:
    """None: the Bridge is there."""
    row = db.execute("SELECT problem FROM outage").fetchone()
    if row is None:
        return None
    return Outage(None if row[0] is None else InjectedProblem(**json.loads(row[0])))


def _document(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _fault(document: str) -> Fault:
    values = json.loads(document)
    values["effect"] = Effect(values["effect"])
    if values["problem"] is not None:
        values["problem"] = InjectedProblem(**values["problem"])
    return Fault(**values)
