"""claims-transition: one statement for state and events, against BEGIN, two statements, COMMIT.

The same rows are written and answered, by one role over one pool of one connection, in turns.
The claim is one that DICT has opened: nothing changes that an index holds.

Once over this machine's loopback, where a round trip is nearly free, and once over a wire, as from
a worker to a PostgreSQL on another machine.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID, uuid4

from benchmarks.figures import Figure, Report, at_least, middle
from benchmarks.ground import ground
from benchmarks.wire import wire
from claim_orchestrator.adapters.claim_columns import claim_row, record_columns
from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.application.claim_records import Snapshot
from claim_orchestrator.application.ports import NewClaim, RowChange
from devstack.passwords import read_passwords
from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import load_queries
from tests.support.claim_ports_suite import change, command_key, new_claim, shown

RATIO_MIN = 2.0
WARM_UP = 100
ROLE = "claim_orchestrator"
POSTGRES_PORT = 5432
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


@dataclass(frozen=True)
class Road:
    """Rounds over one way to PostgreSQL. `rates`: of the one statement, and of the two."""

    ping_seconds: float
    rates: list[tuple[float, float]]

    def figures(self, name: str) -> tuple[Figure, ...]:
        """The median of the rounds' ratios, and what it is made of."""
        ratios = [one / two for one, two in self.rates]
        ratio = middle(ratios)
        return (
            at_least(f"{name}: one statement / two in a transaction", ratio, "x", RATIO_MIN),
            Figure(f"{name}: lowest ratio of a round", min(ratios), "x"),
            Figure(f"{name}: highest ratio of a round", max(ratios), "x"),
            Figure(f"{name}: one statement", middle([one for one, _ in self.rates]), "1/s"),
            Figure(f"{name}: BEGIN, two, COMMIT", middle([two for _, two in self.rates]), "1/s"),
            Figure(f"{name}: SELECT 1", 1e3 * self.ping_seconds, "ms"),
        )


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--transitions", type=int, default=300, help="of each kind in a round")
    parser.add_argument("--round-trip-ms", type=float, default=0.5, help="of the wire")


def measure(given: argparse.Namespace) -> Report:
    """Rounds in turn; the median of their rates and of their ratios."""
    with ground() as world:
        near = urlsplit(world.environment["DICT_POSTGRES_URL"])
        password = read_passwords(Path(world.environment["PGPASSFILE"]))[ROLE]
        with wire(near.port or POSTGRES_PORT, given.round_trip_ms / 1e3) as port:
            far = near._replace(netloc=f"{ROLE}:{quote(password)}@{near.hostname}:{port}")
            loopback, distant = (
                asyncio.run(_rounds(urlunsplit(url), given.rounds, given.transitions))
                for url in (near, far)
            )
    return Report(
        "claims-transition",
        (*loopback.figures("loopback"), *distant.figures("wire")),
        (
            f"{given.rounds} rounds of {given.transitions} each, in turns, one connection",
            f"wire: {given.round_trip_ms:g} ms a round trip, and what the wire itself costs",
        ),
    )


async def _rounds(url: str, rounds: int, count: int) -> Road:
    database = await Database.open(url, ROLE, PoolSize(1, 1))
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
        began = time.perf_counter()
        for _ in range(count):
            await database.ping()
        return Road(
            (time.perf_counter() - began) / count,
            [
                (await _rate(one, by_one, count), await _rate(two, by_two, count))
                for _ in range(rounds)
            ],
        )
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
