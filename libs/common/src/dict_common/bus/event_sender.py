"""The relay's way to the broker: numbered, in order, unbatched, under one producer name.

The broker refuses a second producer of the same name (ProducerBusy): that fences two relays even
where the database's lock has failed.
"""

from collections.abc import Callable

import pulsar
import pulsar.asyncio

from dict_common.bus.client import answered, connect
from dict_common.bus.client import close as close_client
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from dict_common.ports.outgoing import NumberedEvent

SEND_TIMEOUT_MS = 30_000


class PulsarEventSender:
    """EventSender over one client of its own."""

    def __init__(self, url: str, tenant: str, producer_name: str) -> None:
        self._url = url
        self._tenant = tenant
        self._producer_name = producer_name
        self._client: pulsar.asyncio.Client | None = None
        self._producers: dict[str, pulsar.asyncio.Producer] = {}

    async def open(self, topic: str) -> int:
        """The highest number that the topic has under this name, 0 if none. Raises Unavailable.

        The broker answers it with the producer: what its deduplication holds, -1 for nothing.
        """
        return max(0, int((await self._producer(topic)).last_sequence_id()))

    async def send(self, event: NumberedEvent) -> bool:
        """True if stored now, False if the broker knew the number. Raises Unavailable."""
        producer = await self._producer(event.topic)
        receipt = await answered(
            producer.send(
                event.payload,
                properties=event.properties,
                partition_key=event.key,
                sequence_id=event.publish_no,
                event_timestamp=int(event.event_time.timestamp() * 1000),
            ),
            f"send {event.event_id} to {event.topic}",
        )
        return bool(receipt.ledger_id() >= 0)

    async def close(self) -> None:
        """Drops the client and its producers."""
        client, self._client, self._producers = self._client, None, {}
        if client is not None:
            await close_client(client)

    async def _producer(self, topic: str) -> pulsar.asyncio.Producer:
        if topic not in self._producers:
            if self._client is None:
                self._client = connect(self._url)
            self._producers[topic] = await answered(
                self._client.create_producer(
                    f"persistent://{self._tenant}/{topic}",
                    producer_name=self._producer_name,
                    schema=Encoded(topic.partition("/")[2]),
                    batching_enabled=False,
                    send_timeout_millis=SEND_TIMEOUT_MS,
                    message_router=route,
                ),
                f"producer {self._producer_name} for {topic}",
            )
        return self._producers[topic]


def senders(url: str, tenant: str) -> Callable[[str], PulsarEventSender]:
    """Makes the sender of a producer name: what a relay opens turn by turn."""
    return lambda producer_name: PulsarEventSender(url, tenant, producer_name)
