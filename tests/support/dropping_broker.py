"""A Pulsar client whose first producers are taken for repeats: sends succeed, nothing is kept."""

from typing import Any, cast

import pulsar
import pulsar.asyncio

DROPPED = pulsar.MessageId(-1, -1, -1, -1)
KEPT = pulsar.MessageId(0, 7, 0, -1)


class DroppingBroker:
    """`dropping`: how many producers count under numbers that the broker has seen."""

    def __init__(self, dropping: int = 0) -> None:
        self.dropping = dropping
        self.sent: list[tuple[bytes, dict[str, str]]] = []
        self.keys: list[str] = []
        self.closed = 0

    @property
    def client(self) -> pulsar.asyncio.Client:
        """As adapters take it."""
        return cast("pulsar.asyncio.Client", cast("Any", self))

    async def create_producer(self, _topic: str, **_options: object) -> "Producer":
        """One more producer."""
        self.dropping -= 1
        return Producer(self, drops=self.dropping >= 0)


class Producer:
    """Of one topic."""

    def __init__(self, broker: DroppingBroker, *, drops: bool) -> None:
        self._broker = broker
        self._drops = drops

    async def send(
        self, body: bytes, properties: dict[str, str], partition_key: str = "", **_options: object
    ) -> pulsar.MessageId:
        """Success, in any case."""
        if self._drops:
            return DROPPED
        self._broker.sent.append((body, properties))
        self._broker.keys.append(partition_key)
        return KEPT

    async def close(self) -> None:
        """Counted."""
        self._broker.closed += 1
