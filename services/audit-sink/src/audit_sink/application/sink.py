"""The sink: receive, decode, write, acknowledge, bury; several batches, each in that order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from audit_sink.application.dead_letter_window import DeadLetterWindow
from audit_sink.application.keep_months import KeepMonths
from audit_sink.application.ports import Decoded
from audit_sink.application.write_batch import BatchResult, WriteBatch
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.kernel.stopping import stopped_within

BATCHES_IN_FLIGHT_MAX = 3
"""Two that PostgreSQL writes and one that is being decoded."""
RETRY_SECONDS_MIN = 0.2
RETRY_SECONDS_MAX = 3.0
"""How much longer than an outage the sink may stand still, at most."""
MONTHS_SECONDS = 3_600.0
BURIED_AT_ONCE_MAX = 32

_Message = TypeVar("_Message")
_Read = TypeVar("_Read", contravariant=True)


class EventSource(Protocol[_Message]):
    """Where events come from. Raises Unavailable."""

    async def batch(self) -> list[_Message]:
        """The next messages, empty if there are none now."""

    async def acknowledge(self, messages: Sequence[_Message]) -> None:
        """They never come again."""


class Decode(Protocol[_Read]):
    """From messages to rows."""

    async def decode(self, messages: Sequence[_Read]) -> Decoded:
        """Raises Unavailable."""


@dataclass(frozen=True)
class Outlets(Generic[_Message]):
    """Where poison goes, and who counts."""

    bury: Callable[[_Message, Undeliverable], Awaitable[None]]
    report: Callable[["Settled[_Message]"], None]
    paused: Callable[[Unavailable], None]
    resumed: Callable[[], None]
    """Nothing waits any more."""


@dataclass(frozen=True)
class Settled(Generic[_Message]):
    """A batch that is in the table and acknowledged, but for its poison."""

    messages: Sequence[_Message]
    result: BatchResult
    seconds: float
    """From received to committed."""
    committed_seconds: float
    """So long ago."""


class Sink(Generic[_Message]):
    """Nothing is acknowledged before it is in the table or in the dead letters."""

    def __init__(
        self,
        source: EventSource[_Message],
        decoder: Decode[_Message],
        write: WriteBatch,
        keep_months: KeepMonths,
        window: DeadLetterWindow,
        outlets: Outlets[_Message],
    ) -> None:
        self._source = source
        self._decoder = decoder
        self._write = write
        self._keep_months = keep_months
        self._window = window
        self._outlets = outlets
        self._stop = asyncio.Event()
        self._steps_waiting = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Batches in hand are kept in memory and tried until they are in."""
        self._stop = stop
        await self._until_done(self._keep_months)
        upkeep = asyncio.create_task(self._upkeep())
        batches: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                if len(batches) >= BATCHES_IN_FLIGHT_MAX:
                    await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
                else:
                    messages: list[_Message] = []
                    await self._until_done(partial(self._receive, messages))
                    if messages:
                        batches.add(asyncio.create_task(self._batch(messages)))
                done = {task for task in (upkeep, *batches) if task.done()}
                _raise_failed(done)
                batches -= done
            _raise_failed((await asyncio.wait(batches))[0] if batches else set())
        finally:
            for task in (upkeep, *batches):
                task.cancel()

    async def _upkeep(self) -> None:
        while not await stopped_within(self._stop, MONTHS_SECONDS):
            await self._until_done(self._keep_months)

    async def _receive(self, messages: list[_Message]) -> None:
        messages += await self._source.batch()

    async def _batch(self, messages: list[_Message]) -> None:
        """Each step is repeated by itself: what was done once is not asked for again."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        decoded: list[Decoded] = []
        written: list[BatchResult] = []

        async def decode() -> None:
            decoded.append(await self._decoder.decode(messages))

        async def write() -> None:
            written.append(await self._write(decoded[0]))

        if not await self._until_done(decode) or not await self._until_done(write):
            return  # asked to stop: another sink gets them
        (result,), committed = written, loop.time()
        bad = {it.place for it in result.poison}
        good = [message for place, message in enumerate(messages) if place not in bad]
        await self._until_done(partial(self._source.acknowledge, good))
        self._window.passed(loop.time(), len(good))
        self._outlets.report(
            Settled(messages, result, committed - started, loop.time() - committed)
        )
        for first in range(0, len(result.poison), BURIED_AT_ONCE_MAX):
            some = result.poison[first : first + BURIED_AT_ONCE_MAX]
            await asyncio.gather(*(self._bury(messages[it.place], it.error) for it in some))

    async def _bury(self, message: _Message, error: Undeliverable) -> None:
        async def admit() -> None:
            if not self._window.may_bury(asyncio.get_running_loop().time()):
                raise Unavailable(
                    "dead-letters-too-many",
                    f"one more ({error.reason_code}) would exceed the limit: is this release "
                    "older than its producers? It waits, and nothing is lost",
                )

        steps = (
            admit,
            partial(self._outlets.bury, message, error),
            partial(self._source.acknowledge, [message]),
        )
        for step in steps:
            if not await self._until_done(step):
                return

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Tries once at least, then until asked to stop; True when done."""
        if await self._tried(step):
            return True
        self._steps_waiting += 1
        wait_seconds, done = RETRY_SECONDS_MIN, False
        while not done and not await stopped_within(self._stop, wait_seconds):
            done = await self._tried(step)
            wait_seconds = min(RETRY_SECONDS_MAX, wait_seconds * 2)
        self._steps_waiting -= 1
        if done and not self._steps_waiting:
            self._outlets.resumed()
        return done

    async def _tried(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except Unavailable as error:
            self._outlets.paused(error)
            return False
        return True


def _raise_failed(done: "set[asyncio.Task[None]]") -> None:
    for task in done:
        task.result()
