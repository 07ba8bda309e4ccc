"""Fills topics with events as fast as the broker takes them."""

from collections import Counter
from collections.abc import Iterable

import pulsar

from benchmarks.audit_events import BenchEvent
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from tests.support.world import World

IN_FLIGHT_MAX = 50_000
SEND_TIMEOUT_MS = 120_000


class Feed:
    """Producers for the topics of `dict/events` in one world; unbatched, as the relay sends."""

    def __init__(self, world: World, *, batching: bool = False) -> None:
        self._tenant = world.environment["DICT_PULSAR_TENANT"]
        self._batching = batching
        self._client = pulsar.Client(
            world.environment["DICT_PULSAR_URL"],
            logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
        )
        self._producers: dict[str, pulsar.Producer] = {}
        self._failed: Counter[str] = Counter()

    def publish(self, events: Iterable[BenchEvent]) -> int:
        """Sends them all and waits for the broker's disk; answers how many."""
        count = 0
        for event in events:
            count += 1
            self._producer(event.name).send_async(
                event.body,
                self._sent,
                properties=event.envelope.to_properties(),
                partition_key=event.envelope.subject,
                event_timestamp=int(event.envelope.time.timestamp() * 1000),
            )
        for producer in self._producers.values():
            producer.flush()
        assert not self._failed, f"the broker did not take all: {dict(self._failed)}"
        return count

    def close(self) -> None:
        """Lets go."""
        self._client.close()

    def _sent(self, result: pulsar.Result, _: pulsar.MessageId) -> None:
        if result != pulsar.Result.Ok:
            self._failed[str(result)] += 1

    def _producer(self, name: str) -> pulsar.Producer:
        if name not in self._producers:
            self._producers[name] = self._client.create_producer(
                f"persistent://{self._tenant}/events/{name}",
                schema=Encoded(name),
                batching_enabled=self._batching,
                block_if_queue_full=True,
                max_pending_messages=IN_FLIGHT_MAX,
                send_timeout_millis=SEND_TIMEOUT_MS,
                message_router=route,
            )
        return self._producers[name]
