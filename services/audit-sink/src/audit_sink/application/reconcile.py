"""Reconcile: every message of a window is a row or a dead letter, every row has its message.

The ends of the topics are taken first and the sink must have acknowledged them, so what is read
up to there has its row before the table is looked at. The table is looked at later, so a row
without a message is looked for in what was published since, before anybody is alarmed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Generic, TypeVar

from audit_sink.application.event_log import Logged
from audit_sink.application.reconciliation import (
    Asked,
    Reconciled,
    SinkBehind,
    SinkLetters,
    SinkLog,
    Stray,
    Tally,
    Telling,
)
from audit_sink.domain.positions import Position, Span
from audit_sink.domain.reconciliation import (
    Difference,
    Kind,
    Place,
    Told,
    Window,
    differing,
)

EVENTS_SUBSCRIPTION = "audit-sink.events"
REDRIVE_TOPIC = "audit-sink.redrive"
REDRIVE_SUBSCRIPTION = "audit-sink.redrive"
READERS_MAX = 4
LOOKED_UP_AT_ONCE = 1_000
"""Rows whose message is looked for where they say that it was, one by one; all of them."""
LETTERS_BEFORE = timedelta(hours=1)
"""Messages are read with a margin, and a letter has another clock than its message."""
POLL_SECONDS = 1.0
TELL_SECONDS = 5.0
WHOLE_ENTRY = 2**31 - 1
"""Behind the last message of any batch."""

_Message = TypeVar("_Message", bound=Logged)


@dataclass(frozen=True)
class Sides(Generic[_Message]):
    """Where both sides are read, and where they are laid side by side."""

    log: SinkLog[_Message]
    redrives: SinkLog[_Message]
    letters: SinkLetters
    telling: Telling[_Message]
    tally: Tally


class Reconcile(Generic[_Message]):
    """Reads only; nothing is left behind."""

    def __init__(self, sides: Sides[_Message], tell: Callable[[str], None]) -> None:
        self._log = sides.log
        self._redrives = sides.redrives
        self._letters = sides.letters
        self._telling = sides.telling
        self._tally = sides.tally
        self._tell = tell

    async def __call__(self, asked: Asked) -> Reconciled:
        """Raises Unavailable, SinkBehind."""
        topics = await self._topics(asked.declared)
        # Before the ends: what was given back by now is on the redrive topic before its end.
        await self._tally.begin(asked.window)
        spans = await self._log.spans(_partitioned(topics), asked.window.published)
        redrives = await self._redrives.spans([REDRIVE_TOPIC], asked.window.published)
        await self._wait(self._log, EVENTS_SUBSCRIPTION, spans, asked.wait_seconds)
        await self._wait(self._redrives, REDRIVE_SUBSCRIPTION, redrives, asked.wait_seconds)
        await self._take_letters(asked.window)
        await self._read(spans, {}, asked.window, self._tally.add_told)
        await self._tally.take_rows(_Steady("rows taken", self._tell).add)
        counts = await self._tally.compare(self._letters.gone)
        if await self._tally.strays(1):
            await self._look_further(spans, asked.window)
        differences = dict(await self._tally.settle())
        shown = [await self._explained(it) for it in await self._tally.differences(asked.shown_max)]
        unread = [name for name, partitions in sorted(topics.items()) if partitions == 0]
        if unread:
            differences[Kind.TOPIC_UNREAD] = len(unread)
            shown += [Difference(Kind.TOPIC_UNREAD, subtype=name) for name in unread]
        return Reconciled(counts, differences, shown)

    async def _topics(self, declared: Sequence[str]) -> Mapping[str, int]:
        """All that the broker has, also what this release does not know."""
        topics = await self._log.topics()
        for name in declared:
            if name not in topics:
                self._tell(f"the broker has no events/{name}: nothing can be on it")
        return topics

    async def _wait(
        self, log: SinkLog[_Message], subscription: str, spans: Sequence[Span], seconds: float
    ) -> None:
        """Until the sink has acknowledged them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        left = list(spans)
        told = False
        while left:
            done = await log.passed(subscription, left)
            left = [span for span in left if span not in done]
            if not left:
                return
            if loop.time() >= deadline:
                names = sorted({span.topic for span in left})
                raise SinkBehind([await log.progress(subscription, name) for name in names])
            if not told:
                self._tell(f"waiting for the sink: {len(left)} partitions")
                told = True
            await asyncio.sleep(min(POLL_SECONDS, max(0.0, deadline - loop.time())))

    async def _take_letters(self, window: Window) -> None:
        since = window.published.since
        assert since is not None
        async with aclosing(self._letters.walk(since - LETTERS_BEFORE)) as pieces:
            async for letters in pieces:
                await self._tally.add_letters(letters)
        for topic in self._letters.cut_off:
            self._tell(f"{topic} ends in half a message: its sender died while it wrote it")

    async def _read(
        self,
        spans: Sequence[Span],
        after: Mapping[tuple[str, int], Position],
        window: Window,
        add: Callable[[Sequence[Told]], Awaitable[None]],
    ) -> None:
        """The messages of spans that count in the window, each behind its place in `after`."""
        about = "" if after else f", of {sum(span.entries for span in spans):,} or more"
        steady = _Steady(f"messages read{about}", self._tell)
        waiting = iter(spans)

        async def reader() -> None:
            for span in waiting:
                start = after.get((span.topic, span.partition))
                async with aclosing(self._log.read(span, start)) as pieces:
                    async for messages in pieces:
                        await add(await self._telling.told(messages, window))
                        steady.add(len(messages))

        await _all([reader() for _ in islice(spans, READERS_MAX)])

    async def _look_further(self, spans: Sequence[Span], window: Window) -> None:
        """Rows without a message: in what came since, then where each says that it was."""
        topics = await self._log.topics()
        ends = {
            (span.topic, span.partition): span.last._replace(batch=WHOLE_ENTRY) for span in spans
        }
        newer = [
            span
            for span in await self._log.spans(_partitioned(topics), window.published)
            if span.last.of_entry > ends.get((span.topic, span.partition), NOWHERE).of_entry
        ]
        await self._read(newer, ends, window, self._tally.add_later)
        steady, alone = _Steady("messages looked for where their rows say", self._tell), 0
        while strays := await self._tally.strays(LOOKED_UP_AT_ONCE, alone):
            for stray in strays:
                alone += not await self._looked_up(stray, topics)
                steady.add(1)

    async def _looked_up(self, stray: Stray, topics: Mapping[str, int]) -> bool:
        """Whether its message lies where it says."""
        place = stray.place
        if place is None or not 0 <= place.partition < topics.get(place.topic, 0):
            return False
        message = await self._at(place)
        if message is None:
            return False
        told = await self._telling.told([message], None)
        mine = [it for it in told if it.event_id == stray.event_id]
        await self._tally.add_later(mine)
        return bool(mine)

    async def _at(self, place: Place) -> _Message | None:
        """The one message that lies there."""
        entry = place.position._replace(batch=-1)
        span = Span(place.topic, place.partition, entry, entry, 1, 0)
        async with aclosing(self._log.read(span, None)) as pieces:
            async for messages in pieces:
                for message, told in zip(
                    messages, await self._telling.told(messages, None), strict=True
                ):
                    if told.place == place:
                        return message
        return None

    async def _explained(self, difference: Difference) -> Difference:
        """With the names of the columns that differ; never their values."""
        place, event_id, at = difference.place, difference.event_id, difference.occurred_at
        if difference.kind is not Kind.CONTENT_DIFFERS:
            return difference
        if place is None or event_id is None or at is None:
            return difference
        message = await self._at(place)
        told = None if message is None else await self._telling.columns(message)
        stored = await self._tally.columns(event_id, at)
        if message is not None and told is None:
            (brief,) = await self._telling.told([message], None)
            moved = brief.happened_at != at
            return difference._replace(columns=("occurred_at",) if moved else ())
        if told is None or stored is None:
            return difference
        return difference._replace(columns=differing(told, stored))


NOWHERE = Position(-1, -1, -1)


class _Steady:
    """Says how many there were, every few seconds."""

    def __init__(self, what: str, tell: Callable[[str], None]) -> None:
        self._what = what
        self._tell = tell
        self._count = 0
        self._next = asyncio.get_running_loop().time() + TELL_SECONDS

    def add(self, count: int) -> None:
        """So many more."""
        self._count += count
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            self._next = now + TELL_SECONDS
            self._tell(f"{self._count:,} {self._what}")


def _partitioned(topics: Mapping[str, int]) -> list[str]:
    return sorted(name for name, partitions in topics.items() if partitions > 0)


async def _all(work: Sequence[Awaitable[None]]) -> None:
    """All of them; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(it) for it in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
