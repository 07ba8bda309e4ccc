"""What all operations share: state, time, ids, and the one way to write.

An operation decides before it writes; its ledger row is in the same transaction.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from bridge_simulator import claim_rows, ledger
from bridge_simulator.generated_cids import GeneratedSets
from bridge_simulator.instants import cut
from bridge_simulator.ledger import Call, Operation
from bridge_simulator.periods import Periods
from bridge_simulator.problems import DictProblem
from bridge_simulator.store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What an operation gave, and what the ledger says of it."""

    result: T
    effective: bool
    claim_id: str = ""
    status_before: str = ""
    status_after: str = ""


@dataclass(frozen=True)
class Directory:
    """DICT's state and its surroundings; `indirect` maps a direct participant to its indirect ones.

    `clock` and `new_uuid` are given, so that tests decide time and ids. `changed` is set after
    every operation; the script alone waits for it.
    """

    store: Store
    clock: Callable[[], datetime]
    new_uuid: Callable[[], UUID]
    periods: Periods = field(default_factory=Periods)
    indirect: Mapping[str, frozenset[str]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    generated: GeneratedSets = field(default_factory=GeneratedSets)

    def now(self) -> datetime:
        """The present as DICT writes it."""
        return cut(self.clock())

    def represented_by(self, participant: str) -> frozenset[str]:
        """A participant and those that reach DICT through it."""
        return self.indirect.get(participant, frozenset()) | {participant}

    def require_represents(self, participant: str, holder: str) -> None:
        """Raises Forbidden unless the participant may see what is the holder's."""
        if holder not in self.represented_by(participant):
            raise DictProblem("Forbidden")

    def write(self, call: Call, work: Callable[[sqlite3.Connection, datetime], Outcome[T]]) -> T:
        """Runs `work` in one transaction with its ledger row; a refusal leaves only its row.

        Raises the DictProblem that `work` raised. Returns after the commit.
        """
        now = self.now()
        refusal: DictProblem | None = None
        with self.store.transaction() as db:
            try:
                outcome = work(db, now)
            except DictProblem as problem:
                refusal = problem
                claim = claim_rows.find(db, call.claim_id)
                status = claim.status if claim else ""
                ledger.append(db, Operation(0, call, status, status, now, False, problem.type_name))
            else:
                full = replace(call, claim_id=outcome.claim_id or call.claim_id)
                ledger.append(db, _done(full, outcome, now))
        self.changed.set()
        if refusal is not None:
            raise refusal
        return outcome.result


def _done(call: Call, outcome: Outcome[T], now: datetime) -> Operation:
    return Operation(
        sequence=0,
        call=call,
        status_before=outcome.status_before,
        status_after=outcome.status_after,
        time=now,
        effective=outcome.effective,
        problem_type="",
    )
