"""Publishes events to `dict/events` as a relay would, and as no relay should."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pulsar
import pulsar.asyncio

from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close, connect
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from dict_common.kernel.envelope import Envelope
from tests.support.world import World

STEP = "workflow.step"


@dataclass(frozen=True)
class TestEvent:
    """An event and what is wrong with it, if anything."""

    __test__ = False

    envelope: Envelope
    outcome: str | None = "ok"
    dropped: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The Avro body; junk where there is no outcome."""
        if self.outcome is None:
            return b"junk"
        return AvroCodec().encode(
            STEP, {"kind": "TIMER_FIRED", "name": "test", "outcome": self.outcome}
        )

    @property
    def properties(self) -> Mapping[str, str]:
        """The envelope's properties without what was dropped."""
        everything = self.envelope.to_properties()
        return {name: it for name, it in everything.items() if name not in self.dropped}


def step_event(sequence: int = 1, subject: UUID | None = None, **changes: Any) -> TestEvent:
    """A good event; `changes` go to the envelope."""
    envelope = Envelope(
        id=uuid4(),
        type=STEP,
        source="/dict-connect/test",
        time=datetime.now(UTC),
        subject=str(subject or uuid4()),
        aggregate_type="claim",
        sequence=sequence,
    )
    return TestEvent(envelope._replace(**changes))


@dataclass(frozen=True)
class EventProducer:
    """Sends to one topic."""

    producer: pulsar.asyncio.Producer

    async def send(self, *events: TestEvent) -> None:
        """Waits until the broker has them."""
        for event in events:
            await self.producer.send(
                event.body,
                properties=dict(event.properties),
                partition_key=event.envelope.subject,
            )


@asynccontextmanager
async def event_producer(world: World, topic: str = STEP) -> AsyncIterator[EventProducer]:
    """A producer in a world; another topic gets the bodies of a step all the same."""
    client = connect(world.environment["DICT_PULSAR_URL"])
    try:
        yield EventProducer(
            await client.create_producer(
                f"persistent://{world.environment['DICT_PULSAR_TENANT']}/events/{topic}",
                schema=Encoded(STEP),
                batching_enabled=False,
                message_router=route,
            )
        )
    finally:
        await close(client)
