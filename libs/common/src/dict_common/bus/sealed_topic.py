"""A topic of sealed bodies without a schema, however large they are."""

from collections.abc import Mapping

import pulsar.asyncio

from dict_common.bus.client import PublishDropped, answered, stored
from dict_common.bus.router import route


class SealedTopic:
    """Publishes to one topic; waits until the broker has the message on disk.

    `keyed`: messages of one key go to one partition and keep their order.
    """

    def __init__(self, client: pulsar.asyncio.Client, topic: str, *, keyed: bool = False) -> None:
        self._client = client
        self._topic = topic
        self._keyed = keyed
        self._producer: pulsar.asyncio.Producer | None = None

    async def publish(self, body: bytes, properties: Mapping[str, str], key: str = "") -> None:
        """Raises Unavailable, PublishDropped."""
        producer = await self._opened_producer()
        keyed = {"partition_key": key} if self._keyed else {}
        sent = producer.send(body, properties=dict(properties), **keyed)
        try:
            await stored(sent, f"publish to {self._topic}")
        except PublishDropped:
            self._producer = None
            await answered(producer.close(), f"close the producer for {self._topic}")
            raise

    async def _opened_producer(self) -> pulsar.asyncio.Producer:
        if self._producer is None:
            routed = {"message_router": route} if self._keyed else {}
            self._producer = await answered(
                # Chunks: a sealed message of the broker's largest size is larger than that.
                self._client.create_producer(
                    self._topic, batching_enabled=False, chunking_enabled=True, **routed
                ),
                f"producer for {self._topic}",
            )
        return self._producer
