"""Reads the dead letters of one service where they lie: all of them in turn, or one by its id.

Nothing is acknowledged and nothing is opened. Memory stays bounded however many there are.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from types import TracebackType
from typing import Self

import pulsar
import pulsar.asyncio

from dict_common.bus.client import answered
from dict_common.bus.incoming import Incoming, base_topic, incoming
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LETTER_UNREAD, LetterId
from dict_schemas.topics import DEAD_LETTERS

WALK_QUEUE = 500
FIND_QUEUE = 100
NEAR_ENTRIES = 100
"""So far ahead a letter is read on to; beyond it a reader is opened there."""
READ_SECONDS_MAX = 10.0
ENTRIES_BEFORE = (4, 64, None)
"""Where the look for a letter begins: one of several chunks is known by its last, and can be read
from its first on only. None: at the beginning of the partition."""


class _Stuck(Exception):
    """The broker answers, and nothing comes: the chunks at hand are no whole message."""


class Letters:
    """The dead letters of one service. Blocks for the broker; raises Unavailable."""

    def __init__(self, client: pulsar.asyncio.Client, tenant: str, service: str) -> None:
        self._client = client
        self._topic = f"persistent://{tenant}/{DEAD_LETTERS}/{service}"
        self._shelves: dict[int, _Shelf] | None = None
        self.cut_off: list[str] = []
        """Partitions that end in half a message: its sender died between two chunks of it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def walk(self, since: datetime | None = None) -> AsyncGenerator[Incoming, None]:
        """All that are there now, partition by partition, each in its order; `since`: published
        then or later.

        A partition that ends in half a message ends there, and is named in `cut_off`.
        """
        self.cut_off = []
        for shelf in (await self._opened()).values():
            try:
                async for message in shelf.walk(since):
                    yield message
            except _Stuck:
                self.cut_off.append(shelf.topic)

    async def find(self, wanted: LetterId) -> Incoming | None:
        """One letter; None if it is certain that there is none. Cheapest in their order.

        Raises Unavailable, with LETTER_UNREAD where it cannot be told.
        """
        shelf = (await self._opened()).get(wanted.partition)
        return None if shelf is None else await shelf.find(wanted)

    async def close(self) -> None:
        """Lets go of its readers."""
        for shelf in (self._shelves or {}).values():
            await shelf.close()

    async def _opened(self) -> "dict[int, _Shelf]":
        if self._shelves is None:
            names = await answered(
                self._client.get_topic_partitions(self._topic), f"partitions of {self._topic}"
            )
            self._shelves = {
                number: _Shelf(self._client, name)
                for name in names
                if (number := base_topic(name)[1]) is not None
            }
            if not self._shelves:
                raise Unavailable(
                    "topic-missing", f"the broker has no {self._topic}: dictctl topics apply"
                )
        return self._shelves


class _Shelf:
    """One partition."""

    def __init__(self, client: pulsar.asyncio.Client, topic: str) -> None:
        self._client = client
        self.topic = topic
        self._reader: pulsar.asyncio.Reader | None = None
        self._seen: Incoming | None = None
        """The last message that was read: the look for the next letter begins there."""

    async def walk(self, since: datetime | None) -> AsyncGenerator[Incoming, None]:
        await self._open(pulsar.MessageId.earliest, WALK_QUEUE)
        reader = self._reader
        assert reader is not None
        if since is not None:
            instant = max(0, int(since.timestamp() * 1000))
            await answered(reader.seek(instant), f"seek in {self.topic}")
        try:
            while (message := await self._next()) is not None:
                # Seeking is by entry, and the clock is each sender's own.
                if since is None or message.published_at >= since:
                    yield message
        finally:
            await self.close()

    async def find(self, wanted: LetterId) -> Incoming | None:
        if self._near(wanted) and (found := await self._unstuck_forward(wanted)) is not None:
            return found
        stuck = False
        for before in ENTRIES_BEFORE:
            start = pulsar.MessageId.earliest
            if before is not None:
                entry = max(0, wanted.entry - before)
                start = pulsar.MessageId(wanted.partition, wanted.ledger, entry, -1)
            await self._open(start, FIND_QUEUE)
            try:
                found = await self._forward(wanted)
            except _Stuck:
                stuck = True
                continue
            if found is not None:
                return found
            if self._seen is None or not _id(self._seen).after(wanted):
                return None  # the partition ends before it
            stuck = False
        if stuck:
            await self.close()
            raise Unavailable(LETTER_UNREAD, f"{self.topic}: {wanted} does not come")
        return None

    async def close(self) -> None:
        reader, self._reader, self._seen = self._reader, None, None
        if reader is not None:
            await answered(reader.close(), f"close the reader of {self.topic}")

    def _near(self, wanted: LetterId) -> bool:
        if self._reader is None or self._seen is None:
            return False
        at = _id(self._seen)
        return at.ledger == wanted.ledger and 0 <= wanted.entry - at.entry <= NEAR_ENTRIES

    async def _unstuck_forward(self, wanted: LetterId) -> Incoming | None:
        try:
            return await self._forward(wanted)
        except _Stuck:
            return None  # looked for anew, from before it

    async def _forward(self, wanted: LetterId) -> Incoming | None:
        """Reads on to the letter; None if it was passed, or the partition ends."""
        message = self._seen
        if message is None:
            message = await self._next()
        while message is not None:
            at = _id(message)
            if at == wanted:
                return message
            if at.after(wanted):
                return None
            message = await self._next()
        return None

    async def _open(self, start: pulsar.MessageId, queue: int) -> None:
        await self.close()
        self._reader = await answered(
            self._client.create_reader(
                self.topic,
                start,
                receiver_queue_size=queue,
                start_message_id_inclusive=True,
            ),
            f"read {self.topic}",
        )

    async def _next(self) -> Incoming | None:
        """The next message, None at the end. Raises _Stuck."""
        reader = self._reader
        assert reader is not None
        if not await answered(reader.has_message_available(), "look for more"):
            return None
        try:
            message = await asyncio.wait_for(answered(reader.read_next(), "read"), READ_SECONDS_MAX)
        except TimeoutError:
            # A reader whose read was given up would swallow what comes for it.
            await answered(reader.has_message_available(), "look again")
            await self.close()
            raise _Stuck from None
        self._seen = incoming(message)
        return self._seen


def _id(message: Incoming) -> LetterId:
    return LetterId.parse(message.message_id)
