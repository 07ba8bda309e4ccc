"""Batches of messages from every topic of dict/events, in the order of their partitions, and what
operators give back of our own dead letters.

Failover with a regex: partitions are split evenly between sinks and keep their order through a
takeover; a new topic is found without a restart. The sync client's batch_receive runs in one
thread: it is several times faster than receiving one by one in asyncio.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pulsar

from dict_common.bus.backlog import Waiting
from dict_common.bus.incoming import Incoming, incoming
from dict_common.bus.redrive import redrive_topic
from dict_common.bus.schemas import Received
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import new_id
from dict_common.telemetry.logs import logger

_log = logger(__name__)
_Answer = TypeVar("_Answer")

SERVICE = "audit-sink"
SUBSCRIPTION = "audit-sink.events"
BATCH_MESSAGES_MAX = 2_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
BATCH_WAIT_MS = 50
DISCOVERY_SECONDS = 30
PATIENCE_LOOKS_MIN, PATIENCE_LOOKS_MAX = 2, 128
"""After so many looks that found the same events waiting, the sink subscribes anew."""
REDRIVE_SUBSCRIPTION = "audit-sink.redrive"
REDRIVES_MAX = 100
REDRIVE_WAIT_MS = 1
"""There are rarely any: a look between two batches."""


class PulsarEventSource:
    """One consumer. Messages stay unacknowledged until `acknowledge`."""

    def __init__(self, url: str, tenant: str, queue_messages: int = BATCH_MESSAGES_MAX) -> None:
        self._url = url
        self._queue_messages = queue_messages
        self._pattern = f"persistent://{tenant}/events/.*"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pulsar-receive")
        self._acknowledging = ThreadPoolExecutor(1, thread_name_prefix="pulsar-acknowledge")
        self._client: pulsar.Client | None = None
        self._consumer: pulsar.Consumer | None = None
        self._redrives: pulsar.Consumer | None = None
        self._redrive_topic = redrive_topic(tenant, SERVICE)
        self._name = f"{SERVICE}-{new_id()}"
        self._in_hand: list[pulsar.Message] = []
        """Events that came when the look at the redrives failed: handed out by the next look."""
        self._received, self._acknowledged = 0, 0
        self._done = (0, 0)
        self._held: frozenset[Waiting] = frozenset()
        self._looks, self._patience = 0, PATIENCE_LOOKS_MIN
        self.schemas = Received()

    async def open(self) -> None:
        """Subscribes. Raises Unavailable."""
        await self._run(self._thread, "subscribe", self._subscribe)

    async def batch(self) -> list[Incoming]:
        """The next messages, at most 2,000 or 16 MiB; empty after 50 ms without any."""
        return await self._run(self._thread, "receive", self._receive)

    async def acknowledge(self, messages: Sequence[Incoming]) -> None:
        """One by one, never cumulative: inside batches of a producer that repeats or loses."""
        # Beside the thread that may be waiting for messages.
        await self._run(self._acknowledging, "acknowledge", lambda: self._acknowledge(messages))

    async def go_on(self, waiting: Sequence[Waiting]) -> None:
        """Connects anew where partitions wait for us while nothing has come since the last look,
        and nothing is in hand.

        A broker may forget to deliver after a takeover (README, "The broker should have"). What
        comes twice by it stands once. Raises Unavailable.
        """
        mine = frozenset(it for it in waiting if it.consumer == self._name)
        before, self._done = self._done, (self._received, self._acknowledged)
        works = self._done != before or self._received != self._acknowledged
        if works or not mine:
            self._patience = PATIENCE_LOOKS_MIN
        if works or not mine & self._held:
            self._held, self._looks = mine, 1
            return
        self._held, self._looks = mine & self._held, self._looks + 1
        if self._looks < self._patience:
            return
        _log.warning("events-held-back", partitions=sorted(it.partition for it in self._held))
        # Where that brings nothing, what waits may be half a message, whose sender died: the client
        # acknowledges it after a minute, but not while it is made anew again and again.
        self._looks, self._patience = 0, min(4 * self._patience, PATIENCE_LOOKS_MAX)
        await self._run(self._thread, "let go", self._let_go)

    async def close(self) -> None:
        """Lets go; what is not acknowledged goes to another sink."""
        client, self._client, self._consumer = self._client, None, None
        self._redrives = None
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, _close, client)
        self._thread.shutdown(wait=True)
        self._acknowledging.shutdown(wait=True)

    async def _run(
        self, thread: ThreadPoolExecutor, what: str, call: Callable[[], _Answer]
    ) -> _Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, call)
        except pulsar.TopicNotFound as error:
            # The client takes a topic that has -partition- in its own name for one of another.
            hint = "dictctl topics diff: is one missing, or has a stranger -partition- in its name?"
            raise Unavailable("topic-missing", f"{what}: {error}; {hint}") from error
        except pulsar.PulsarException as error:
            raise Unavailable("pulsar-failed", f"{what}: {error}") from error

    def _subscribe(self) -> None:
        self._client = pulsar.Client(
            self._url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
        )
        self._consumer = self._events(self._client)
        self._redrives = self._client.subscribe(
            self._redrive_topic,
            REDRIVE_SUBSCRIPTION,
            consumer_type=pulsar.ConsumerType.Failover,
            initial_position=pulsar.InitialPosition.Earliest,
            receiver_queue_size=REDRIVES_MAX,
            batch_receive_policy=pulsar.ConsumerBatchReceivePolicy(
                REDRIVES_MAX, BATCH_BYTES_MAX, REDRIVE_WAIT_MS
            ),
        )

    def _events(self, client: pulsar.Client) -> pulsar.Consumer:
        return client.subscribe(
            re.compile(self._pattern),
            SUBSCRIPTION,
            consumer_name=self._name,
            consumer_type=pulsar.ConsumerType.Failover,
            initial_position=pulsar.InitialPosition.Earliest,
            schema=self.schemas,
            # As large as a batch: a smaller queue cuts batches silently.
            receiver_queue_size=self._queue_messages,
            max_total_receiver_queue_size_across_partitions=self._queue_messages,
            pattern_auto_discovery_period=DISCOVERY_SECONDS,
            batch_index_ack_enabled=True,
            batch_receive_policy=pulsar.ConsumerBatchReceivePolicy(
                BATCH_MESSAGES_MAX, BATCH_BYTES_MAX, BATCH_WAIT_MS
            ),
        )

    def _let_go(self) -> None:
        """Whoever receives next subscribes."""
        old, self._consumer = _opened(self._consumer), None
        old.close()

    def _receive(self) -> list[Incoming]:
        if self._consumer is None and self._client is not None:
            self._consumer = self._events(self._client)
        if not self._in_hand:
            self._in_hand = _opened(self._consumer).batch_receive()
        # Should this fail, the events stay in hand: the broker will not send them again.
        redrives = _opened(self._redrives).batch_receive()
        received, self._in_hand = [*self._in_hand, *redrives], []
        self._received += len(received)
        return [incoming(message) for message in received]

    def _acknowledge(self, messages: Sequence[Incoming]) -> None:
        events, redrives = _opened(self._consumer), _opened(self._redrives)
        for message in messages:
            consumer = redrives if message.topic == self._redrive_topic else events
            consumer.acknowledge(message.message)
        self._acknowledged += len(messages)


def _opened(consumer: pulsar.Consumer | None) -> pulsar.Consumer:
    if consumer is None:
        raise Unavailable("pulsar-closed", "the event source is not open")
    return consumer


def _close(client: pulsar.Client) -> None:
    with contextlib.suppress(pulsar.PulsarException):
        client.close()
