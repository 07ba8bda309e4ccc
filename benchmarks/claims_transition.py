"""claims-transition: one statement for state and events, against BEGIN, two statements, COMMIT.

The same rows are written and answered, by one role over one pool of one connection, in turns.
The claim is one that DICT has opened: nothing changes that an index holds.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from benchmarks.figures import Figure, Report, at_least, middle
from benchmarks.ground import ground
from claim_orchestrator.adapters.claim_columns import claim_row, record_columns
from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.application.claim_records import Snapshot
from claim_orchestrator.application.ports import NewClaim, RowChange
from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import load_queries
from tests.support.claim_ports_suite import change, command_key, new_claim, shown
from tests.support.world import World

RATIO_MIN = 2.0
WARM_UP = 100
BODY = b"x" * 400
"""About what a claim's event is, sealed."""

_RECORD = load_queries("claim_orchestrator.adapters", "claims")["claim_record"].sql
UPDATE = _RECORD[_RECORD.index("UPDATE workflows") : _RECORD.index("), judged")]
"""The update of the one statement, as it stands there, with the row that it returns."""
UPDATE_ARGUMENTS = max(int(number) for number in re.findall(r"\$(\d+)", UPDATE))


@dataclass
class Subject:
    """A claim of the bench, as DICT shows it, and its version."""

    claim: NewClaim
    shown: Snapshot = field(default_factory=lambda: shown("OPEN"))
    version: int = 0

    def next(self) -> tuple[RowChange, list[OutgoingEvent]]:
        """A change with one business event and one step."""
        ids = (uuid4(), uuid4())
        events = [
            _event("claim.acknowledged", ids[0], 1, self.claim.claim_id),
            _event("workflow.step", ids[1], 2, self.claim.claim_id),
        ]
        return replace(change(self.claim, self.version, *ids), snapshot=self.shown), events


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--transitions", type=int, default=300, help="of each kind in a round")


def measure(given: argparse.Namespace) -> Report:
    """Rounds in turn; the median of their rates and of their ratios."""
    with ground() as world:
        rates = asyncio.run(_rounds(world, given.rounds, given.transitions))
    ratios = [one / two for one, two in rates]
    return Report(
        "claims-transition",
        (
            at_least("one statement / two in a transaction", middle(ratios), "x", RATIO_MIN),
            Figure("lowest ratio of a round", min(ratios), "x"),
            Figure("highest ratio of a round", max(ratios), "x"),
            Figure("one statement", middle([one for one, _ in rates]), "1/s"),
            Figure("BEGIN, UPDATE, INSERT, COMMIT", middle([two for _, two in rates]), "1/s"),
        ),
        (f"{given.rounds} rounds of {given.transitions} each, in turns, one connection",),
    )


async def _rounds(world: World, rounds: int, count: int) -> list[tuple[float, float]]:
    url = world.environment["DICT_POSTGRES_URL"]
    database = await Database.open(url, "claim_orchestrator", PoolSize(1, 1))
    intake, store = PostgresClaimIntake(database), PostgresClaimStore(database)
    one, two = Subject(new_claim()), Subject(new_claim())
    for subject in (one, two):
        await intake.accept(command_key(), subject.claim)

    async def by_one(what: RowChange, events: list[OutgoingEvent]) -> None:
        recorded = await store.record(what, events)
        assert not recorded.stale

    async def by_two(what: RowChange, events: list[OutgoingEvent]) -> None:
        async with database.transaction() as connection:
            row = await connection.fetchrow(
                UPDATE, *record_columns(what, events)[:UPDATE_ARGUMENTS]
            )
            assert row is not None
            assert claim_row(row).version == what.expected_version + len(events)
            await outbox.insert(connection, events, what.expected_version)

    try:
        for subject, write in ((one, by_one), (two, by_two)):
            await _rate(subject, write, WARM_UP)
        return [
            (await _rate(one, by_one, count), await _rate(two, by_two, count))
            for _ in range(rounds)
        ]
    finally:
        await database.close()


Write = Callable[[RowChange, list[OutgoingEvent]], Awaitable[None]]


async def _rate(subject: Subject, write: Write, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        what, events = subject.next()
        await write(what, events)
        subject.version += len(events)
    return count / (time.perf_counter() - began)


def _event(name: str, id_: UUID, ordinal: int, claim_id: UUID) -> OutgoingEvent:
    now = datetime.now(UTC)
    source = "/dict-connect/claim-orchestrator"
    envelope = Envelope(id_, name, source, now, str(claim_id), "claim")
    return OutgoingEvent(f"events/{name}", str(claim_id), envelope, BODY, ordinal)
