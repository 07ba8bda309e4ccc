"""The sink's loop: receive, decode, write, bury, acknowledge; in that order, always."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from audit_sink.application.keep_months import KeepMonths
from audit_sink.application.ports import Candidate, Poison
from audit_sink.application.write_batch import BatchResult, WriteBatch
from dict_common.kernel.errors import Unavailable, Undeliverable

RETRY_SECONDS_MIN = 0.2
RETRY_SECONDS_MAX = 10.0
MONTHS_SECONDS = 3_600.0

_Message = TypeVar("_Message")
_Read = TypeVar("_Read", contravariant=True)


class EventSource(Protocol[_Message]):
    """Where events come from. Raises Unavailable."""

    async def batch(self) -> list[_Message]:
        """The next messages, empty if there are none now."""

    async def acknowledge(self, messages: Sequence[_Message]) -> None:
        """They never come again."""


class Decode(Protocol[_Read]):
    """From a message to a row."""

    async def decode(self, place: int, message: _Read) -> Candidate:
        """Raises Undeliverable, Unavailable."""


@dataclass(frozen=True)
class Outlets(Generic[_Message]):
    """Where poison goes, and who counts."""

    bury: Callable[[_Message, Undeliverable], Awaitable[None]]
    report: Callable[[BatchResult, float], None]
    paused: Callable[[Unavailable], None]


class Sink(Generic[_Message]):
    """Nothing is acknowledged before it is in the table or in the dead letters."""

    def __init__(
        self,
        source: EventSource[_Message],
        decoder: Decode[_Message],
        write: WriteBatch,
        keep_months: KeepMonths,
        outlets: Outlets[_Message],
    ) -> None:
        self._source = source
        self._decoder = decoder
        self._write = write
        self._keep_months = keep_months
        self._outlets = outlets

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A batch in hand is kept in memory and tried until it is in."""
        loop = asyncio.get_running_loop()
        months_at = loop.time()
        while not stop.is_set():
            if loop.time() >= months_at:
                months_at = loop.time() + MONTHS_SECONDS
                await self._until_done(stop, self._keep_months)
            messages = await self._source.batch()
            if messages:
                await self._until_done(stop, partial(self._batch, messages))

    async def _batch(self, messages: list[_Message]) -> None:
        started = asyncio.get_running_loop().time()
        candidates, poison = await self._decoded(messages)
        result = await self._write(candidates)
        for bad in (*poison, *result.poison):
            await self._outlets.bury(messages[bad.place], bad.error)
        await self._source.acknowledge(messages)
        self._outlets.report(result, asyncio.get_running_loop().time() - started)

    async def _decoded(self, messages: list[_Message]) -> tuple[list[Candidate], list[Poison]]:
        candidates, poison = [], []
        for place, message in enumerate(messages):
            try:
                candidates.append(await self._decoder.decode(place, message))
            except Undeliverable as error:
                poison.append(Poison(place, error))
        return candidates, poison

    async def _until_done(self, stop: asyncio.Event, step: Callable[[], Awaitable[None]]) -> None:
        wait_seconds = RETRY_SECONDS_MIN
        while not stop.is_set():
            try:
                return await step()
            except Unavailable as error:
                self._outlets.paused(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_seconds)
            wait_seconds = min(RETRY_SECONDS_MAX, wait_seconds * 2)
        return None
