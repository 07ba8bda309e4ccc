"""Publishes single messages with their envelope: commands as Core does, and dead letters."""

import pulsar
import pulsar.asyncio

from dict_common.bus.client import PublishDropped, answered, stored
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from dict_common.kernel.envelope import Envelope

PRODUCERS_MAX = 256


class Publisher:
    """Publishes to topics of one tenant; waits until the broker has the message on disk."""

    def __init__(self, client: pulsar.asyncio.Client, tenant: str) -> None:
        self._client = client
        self._tenant = tenant
        self._producers: dict[str, pulsar.asyncio.Producer] = {}

    async def publish(self, topic: str, key: str, envelope: Envelope, body: bytes) -> None:
        """Sends an encoded body to `namespace/name`. Raises Unavailable."""
        producer = await self._producer(topic)
        sent = producer.send(
            body,
            properties=envelope.to_properties(),
            partition_key=key,
            event_timestamp=int(envelope.time.timestamp() * 1000),
        )
        try:
            await stored(sent, f"publish to {topic}")
        except PublishDropped:
            self._producers.pop(topic, None)
            await answered(producer.close(), f"close the producer for {topic}")
            raise

    async def _producer(self, topic: str) -> pulsar.asyncio.Producer:
        if topic not in self._producers:
            if len(self._producers) >= PRODUCERS_MAX:
                raise ValueError(f"more than {PRODUCERS_MAX} topics from one publisher")
            self._producers[topic] = await answered(
                self._client.create_producer(
                    f"persistent://{self._tenant}/{topic}",
                    schema=Encoded(topic.partition("/")[2]),
                    batching_enabled=False,
                    message_router=route,
                ),
                f"producer for {topic}",
            )
        return self._producers[topic]
