"""A topic of sealed bodies without a schema, however large they are.

Its key is a keyed hash of the original's key: messages of one key lie on one partition and
keep their order, and no key stands in clear (a sender may put anything there).
"""

from collections.abc import Mapping

import pulsar.asyncio

from dict_common.bus.client import PublishDropped, answered, stored
from dict_common.bus.router import route
from dict_common.ports.sealing import RestSealer


class SealedTopic:
    """Publishes to one topic; waits until the broker has the message on disk."""

    def __init__(self, client: pulsar.asyncio.Client, topic: str, sealer: RestSealer) -> None:
        self._client = client
        self._topic = topic
        self._sealer = sealer
        self._producer: pulsar.asyncio.Producer | None = None

    async def publish(self, body: bytes, properties: Mapping[str, str], key: str) -> None:
        """`body` is sealed already, `key` is not. Raises Unavailable, PublishDropped."""
        producer = await self._opened_producer()
        sent = producer.send(
            body, properties=dict(properties), partition_key=self._sealer.look_up_hash(key)
        )
        try:
            await stored(sent, f"publish to {self._topic}")
        except PublishDropped:
            self._producer = None
            await answered(producer.close(), f"close the producer for {self._topic}")
            raise

    async def _opened_producer(self) -> pulsar.asyncio.Producer:
        if self._producer is None:
            self._producer = await answered(
                self._client.create_producer(
                    self._topic,
                    batching_enabled=False,
                    # A sealed message of the broker's largest size is larger than that.
                    chunking_enabled=True,
                    message_router=route,
                ),
                f"producer for {self._topic}",
            )
        return self._producer
