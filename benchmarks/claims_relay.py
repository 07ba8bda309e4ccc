"""claims-relay: how fast the relay empties the outbox, against what the same messages cost alone.

The limits: the relay's own sender on the same broker, one message after another, and all in flight
at once; without a database.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from benchmarks.figures import Figure, Report, middle
from benchmarks.ground import ground
from dict_common.bus.avro import AvroCodec
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import NumberedEvent, OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import prepare
from tests.support.world import World

NAME = "workflow.step"
IN_FLIGHT = 500
INSERT_ROWS = 1_000
POLL_SECONDS = 0.02
DRAIN_SECONDS_MAX = 600.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)


def measure(given: argparse.Namespace) -> Report:
    """Each round: the relay, one by one, in flight; medians over the rounds."""
    with ground() as world:
        rates = [_round(world, given.rows) for _ in range(given.rounds)]
    relay, single, flying = (middle([it[n] for it in rates]) for n in range(3))
    return Report(
        "claims-relay",
        (
            Figure("relay", relay, "rows/s"),
            Figure("limit, one by one", single, "messages/s"),
            Figure(f"limit, {IN_FLIGHT} in flight", flying, "messages/s"),
            Figure("relay / one by one", middle([it[0] / it[1] for it in rates]), "x"),
            Figure("relay / in flight", middle([it[0] / it[2] for it in rates]), "x"),
        ),
        (f"{given.rows} rows a round, medians of {given.rounds} rounds in turns",),
    )


def _round(world: World, rows: int) -> tuple[float, float, float]:
    events = [_event() for _ in range(rows)]
    asyncio.run(_fill(world, events))
    world.start_unready("relay")
    drained = asyncio.run(_drain(world, rows))
    world.stop("relay")
    return (
        drained,
        asyncio.run(_sent(world, events, 1)),
        asyncio.run(_sent(world, events, IN_FLIGHT)),
    )


async def _fill(world: World, events: Sequence[OutgoingEvent]) -> None:
    connection = await world.connect("claim_orchestrator")
    await prepare(connection)
    for first in range(0, len(events), INSERT_ROWS):
        await outbox.insert(connection, events[first : first + INSERT_ROWS], 0)
    await connection.close()


async def _drain(world: World, rows: int) -> float:
    """From the first row gone to the last, so that its start does not count."""
    connection = await world.connect()
    left, began, first = rows, 0.0, rows
    deadline = time.perf_counter() + DRAIN_SECONDS_MAX
    while left:
        assert time.perf_counter() < deadline, f"{left} rows are left"
        await asyncio.sleep(POLL_SECONDS)
        left = await connection.fetchval("SELECT count(*) FROM connect.outbox")
        if left < rows and not began:
            began, first = time.perf_counter(), left
    await connection.close()
    return first / (time.perf_counter() - began)


async def _sent(world: World, events: Sequence[OutgoingEvent], in_flight: int) -> float:
    sender = PulsarEventSender(
        world.environment["DICT_PULSAR_URL"],
        world.environment["DICT_PULSAR_TENANT"],
        f"bench.{uuid4()}",
    )
    numbered = [_numbered(number, event) for number, event in enumerate(events, start=1)]
    await sender.send(numbered[0])
    began = time.perf_counter()
    for first in range(1, len(numbered), in_flight):
        sends = [sender.send(event) for event in numbered[first : first + in_flight]]
        assert all(await asyncio.gather(*sends))
    rate = (len(numbered) - 1) / (time.perf_counter() - began)
    await sender.close()
    return rate


def _numbered(number: int, event: OutgoingEvent) -> NumberedEvent:
    properties = event.envelope.to_properties() | {"ce_sequence": "1"}
    return NumberedEvent(
        row_id=number,
        publish_no=number,
        topic=event.topic,
        key=event.key,
        event_id=event.envelope.id,
        event_time=event.envelope.time,
        properties=properties,
        payload=event.payload,
    )


def _event() -> OutgoingEvent:
    subject: UUID = uuid4()
    source = "/dict-connect/claim-orchestrator"
    envelope = Envelope(uuid4(), NAME, source, datetime.now(UTC), str(subject), "claim")
    body = AvroCodec().encode(NAME, {"kind": "TIMER_FIRED", "name": "bench", "outcome": "ok"})
    return OutgoingEvent(f"events/{NAME}", str(subject), envelope, body, 1)
