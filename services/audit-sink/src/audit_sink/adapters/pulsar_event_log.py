"""EventLog over Pulsar: the admin interface says what is there, a Reader for each partition reads.

Nothing here can send, and nothing is acknowledged: a Reader leaves no subscription behind.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import pulsar

from audit_sink.adapters.pulsar_ledgers import Ledgers
from audit_sink.application.reconciliation import Progress
from audit_sink.domain.positions import Position, Published, Span
from dict_common.bus.backlog import Backlogs
from dict_common.bus.incoming import Incoming, base_topic, incoming
from dict_common.bus.schemas import Received
from dict_common.kernel.errors import Unavailable
from dict_common.telemetry.logs import logger

_log = logger(__name__)
_Answer = TypeVar("_Answer")

MARGIN = timedelta(minutes=10)
"""How far senders' clocks may differ: the broker finds a time by halving, as if they were one."""
QUEUE_MESSAGES = 500
"""Of each reader: sixteen of them with the largest bodies are half a gigabyte."""
BATCH_MESSAGES_MAX = 2_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
FIRST_MS_MAX = 1_000
NEXT_MS_MAX = 20
EMPTY_MAX = 30
"""Seconds without a message, though the broker says that there is one."""
PART = "x-pulsar-chunk-id"
"""The broker's header of an entry that is a part of a message."""
READERS_MAX = 16
OPERATION_SECONDS_MAX = 30
ADMIN_SECONDS_MAX = 30.0
ADMIN_AT_ONCE_MAX = 8


class PulsarEventLog:
    """One client and at most sixteen readers at once, each in a thread while it waits."""

    def __init__(self, url: str, admin_url: str, tenant: str, namespace: str = "events") -> None:
        self._namespace = f"persistent://{tenant}/{namespace}"
        self._client = pulsar.Client(
            url,
            operation_timeout_seconds=OPERATION_SECONDS_MAX,
            logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
        )
        self._admin = httpx.AsyncClient(
            base_url=admin_url.rstrip("/"),
            # Waiting for one of our own connections is no fault of the broker's.
            timeout=httpx.Timeout(ADMIN_SECONDS_MAX, pool=None),
            trust_env=False,
            # Of several brokers, the one that is asked names the one that has the partition.
            follow_redirects=True,
            limits=httpx.Limits(max_connections=ADMIN_AT_ONCE_MAX),
        )
        self._backlogs = Backlogs(self._admin)
        self._threads = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="pulsar-read")
        self.schemas = Received()

    async def close(self) -> None:
        """Lets go of the broker."""
        await self._admin.aclose()
        with contextlib.suppress(pulsar.PulsarException):
            await asyncio.to_thread(self._client.close)
        self._threads.shutdown(wait=True)

    async def topics(self) -> Mapping[str, int]:
        """Whatever is there, declared or not: name, and number of partitions or 0."""
        path = _path(self._namespace)
        found = dict.fromkeys(map(_name, await self._get(f"{path}/partitioned")), 1)
        for full_name in await self._get(path):
            name, number = base_topic(_name(full_name))
            if number is not None and name in found:
                found[name] = max(found[name], number + 1)
            else:
                found[_name(full_name)] = 0
        return found

    async def spans(self, topics: Sequence[str], published: Published) -> list[Span]:
        """By the broker's ledgers and its index of times."""
        found = await asyncio.gather(*(self._of_topic(topic, published) for topic in topics))
        return [span for spans in found for span in spans]

    async def passed(self, subscription: str, spans: Sequence[Span]) -> list[Span]:
        """Those whose every entry a subscription has acknowledged."""
        topics = sorted({span.topic for span in spans})
        partitions = dict(
            zip(topics, await asyncio.gather(*map(self._partitions, topics)), strict=True)
        )
        return [
            span
            for span in spans
            if partitions[span.topic][span.partition].acknowledged(subscription, span.last)
        ]

    async def progress(self, subscription: str, topic: str) -> Progress:
        """By the broker's count of what is not acknowledged."""
        found = await self._backlogs.of_topic(f"{self._namespace}/{topic}", subscription)
        return Progress(topic, found.messages, found.consumers)

    async def read(
        self, span: Span, after: Position | None
    ) -> AsyncGenerator[Sequence[Incoming], None]:
        """In pieces of at most 2,000 messages or 16 MiB. Ends before half a message, whose sender
        died between two parts of it: nobody can read it."""
        start = span.first if after is None else after
        reader = await self._run("open a reader", lambda: self._open(span, start))
        try:
            ended, empty, last = False, 0, after
            while not ended:
                messages, ended = await self._run("read", lambda: _piece(reader, span, after))
                if messages:
                    last = Position.parse(messages[-1].message_id)
                    yield messages
                empty = 0 if messages else empty + 1
                if empty > EMPTY_MAX and not ended:
                    ended = await self._parts_alone(span, last)
        finally:
            with contextlib.suppress(Unavailable):
                await asyncio.shield(self._run("close a reader", reader.close))

    async def _parts_alone(self, span: Span, behind: Position | None) -> bool:
        """True where all that is left of a span are parts of messages. Raises Unavailable."""
        ledgers = (await self._partitions(span.topic))[span.partition]
        path = _path(self._partition(span.topic, span.partition))
        for ledger, entry in ledgers.entries(span, behind):
            head = await self._asked("HEAD", f"{path}/ledger/{ledger}/entry/{entry}")
            if PART not in head.headers:
                where = f"{span.topic} partition {span.partition} at {ledger}:{entry}"
                raise Unavailable("pulsar-slow", f"{where}: nothing comes")
        _log.warning(
            "half-a-message", topic=span.topic, partition=span.partition, after=str(behind)
        )
        return True

    def _open(self, span: Span, start: Position) -> pulsar.Reader:
        return self._client.create_reader(
            self._partition(span.topic, span.partition),
            # From its entry on: within a batch the client begins where it likes.
            pulsar.MessageId(span.partition, start.ledger, start.entry, -1),
            schema=self.schemas,
            receiver_queue_size=QUEUE_MESSAGES,
            start_message_id_inclusive=True,
        )

    async def _of_topic(self, topic: str, published: Published) -> list[Span]:
        partitions = await self._partitions(topic)
        spans = [
            await self._span(topic, number, ledgers, published)
            for number, ledgers in sorted(partitions.items())
        ]
        return [span for span in spans if span is not None]

    async def _span(
        self, topic: str, partition: int, ledgers: Ledgers, published: Published
    ) -> Span | None:
        first, last = ledgers.first, ledgers.last
        if last is None:
            return None
        if published.since is not None:
            first = max(first, await self._at(topic, partition, published.since, -MARGIN))
        if published.until is not None:
            behind = await self._at(topic, partition, published.until, MARGIN)
            last = min(last, ledgers.before(behind))
        entries, size = ledgers.between(first, last)
        return Span(topic, partition, first, last, entries, size) if entries > 0 else None

    async def _at(
        self, topic: str, partition: int, instant: datetime, margin: timedelta
    ) -> Position:
        """The first entry published then or later, or the one behind the last."""
        millis = round((instant.timestamp() + margin.total_seconds()) * 1000)
        name = _path(self._partition(topic, partition))
        found = await self._get(f"{name}/messageid/{max(0, millis)}")
        return Position(int(found["ledgerId"]), int(found["entryId"]), -1)

    async def _partitions(self, topic: str) -> dict[int, Ledgers]:
        stats = await self._get(f"{_path(f'{self._namespace}/{topic}')}/partitioned-internalStats")
        return {
            number: Ledgers(of_one)
            for name, of_one in stats["partitions"].items()
            if (number := base_topic(name)[1]) is not None
        }

    async def _get(self, path: str) -> Any:
        answer = await self._asked("GET", path)
        try:
            return answer.json()
        except ValueError as error:
            raise Unavailable("broker-away", f"{path}: {error!r}") from None

    async def _asked(self, method: str, path: str) -> httpx.Response:
        try:
            answer = await self._admin.request(method, path)
            if answer.status_code == httpx.codes.NOT_FOUND:
                raise Unavailable(
                    "topic-missing", f"the broker has no {path}: dictctl topics apply"
                )
            return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("broker-away", f"{path}: {error!r}") from None

    def _partition(self, topic: str, partition: int) -> str:
        return f"{self._namespace}/{topic}-partition-{partition}"

    async def _run(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except pulsar.PulsarException as error:
            raise Unavailable("pulsar-failed", f"{what}: {error}") from error


def _piece(
    reader: pulsar.Reader, span: Span, after: Position | None
) -> tuple[list[Incoming], bool]:
    """The next messages, and whether the span ends with them."""
    messages: list[Incoming] = []
    if not reader.has_message_available():
        return messages, True  # what the span holds was cut off, or was read
    size, wait_ms = 0, FIRST_MS_MAX
    while len(messages) < BATCH_MESSAGES_MAX and size < BATCH_BYTES_MAX:
        try:
            message = incoming(reader.read_next(wait_ms))
        except pulsar.Timeout:
            return messages, False
        at = Position.parse(message.message_id)
        if at.of_entry > span.last.of_entry:
            return messages, True
        if after is None or at > after:
            messages.append(message)
            size += len(message.body)
            wait_ms = NEXT_MS_MAX
        if at.of_entry == span.last.of_entry and not reader.has_message_available():
            return messages, True
    return messages, False


def _name(full_name: str) -> str:
    return full_name.rpartition("/")[2]


def _path(topic: str) -> str:
    return "/admin/v2/" + topic.replace("://", "/")
