"""The replayer: claims runs, reads their spans, and writes rows as the sink does.

It knows a log that it can read and tables that it can insert into: no outbox, no dead letters, no
Bridge. A checkpoint moves in the transaction of its effect, and only while the run is this
process's: so a kill, a pause or a second replayer at any instant loses and repeats nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from audit_sink.application.event_log import EventLog, Logged
from audit_sink.application.ports import RowRefused
from audit_sink.application.replay_piece import Piece
from audit_sink.application.replay_ports import ReplayRuns, Run, TakenAway
from audit_sink.application.sink import Decode
from audit_sink.domain.positions import Position, Span
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import IdSource
from dict_common.kernel.stopping import stopped_within

RUNS_MAX = 16
"""As many as the desk takes: one that waits keeps none from going on."""
SPANS_AT_ONCE_MAX = 4
READERS_MAX = 8
"""Of all runs."""
POLL_SECONDS = 1.0
HOLD_SECONDS = 5.0
RETRY_SECONDS_MIN = 0.2
RETRY_SECONDS_MAX = 10.0

_Message = TypeVar("_Message", bound=Logged)


@dataclass
class _Work:
    """A run under way in this process. `stop`: leave it at the next step."""

    run: Run
    since: float
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    waits: dict[Span | None, str] = field(default_factory=dict)
    """Why a span cannot go on; None: why the run cannot."""


@dataclass(frozen=True)
class Report:
    """Who counts: messages of a step, why something does not go on, and whether anything waits."""

    read: Callable[[int], None]
    trouble: Callable[[Unavailable], None]
    waits: Callable[[bool], None]


class Replayer(Generic[_Message]):
    """One process of it; others may work beside."""

    def __init__(
        self,
        runs: ReplayRuns,
        log: EventLog[_Message],
        decoder: Decode[_Message],
        new_id: IdSource,
        report: Report,
    ) -> None:
        self._runs = runs
        self._log = log
        self._decoder = decoder
        self._new_id = new_id
        self._readers = asyncio.Semaphore(READERS_MAX)
        self._report = report

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way is then left to the next replayer."""
        under_way: dict[asyncio.Task[None], _Work] = {}
        try:
            while not stop.is_set():
                good = await self._tried(lambda: self._claim(under_way))
                # By itself: one that somebody reads is dropped later, and holds no run.
                good &= await self._tried(self._runs.drop_sandboxes)
                self._report.waits(not good or any(it.waits for it in under_way.values()))
                await stopped_within(stop, POLL_SECONDS)
                for task in [task for task in under_way if task.done()]:
                    del under_way[task]
                    task.result()
            for work in under_way.values():
                work.stop.set()
            await asyncio.gather(*under_way)
        finally:
            for task in under_way:
                task.cancel()

    async def _tried(self, step: Callable[[], Awaitable[object]]) -> bool:
        """Once; the next turn is near."""
        try:
            await step()
        except Unavailable as error:
            self._report.trouble(error)
            return False
        return True

    async def _claim(self, under_way: dict[asyncio.Task[None], _Work]) -> None:
        """Whatever is to be had and has room."""
        while len(under_way) < RUNS_MAX:
            # A holder of its own: after an outage this process may claim what it still works on.
            run = await self._runs.claim(self._new_id())
            if run is None:
                return
            work = _Work(run, asyncio.get_running_loop().time())
            under_way[asyncio.create_task(self._one(work))] = work

    async def _one(self, work: _Work) -> None:
        """A run, to its end, or until it is not this process's any more."""
        held = asyncio.create_task(self._hold(work))
        try:
            await self._insist(work, None, lambda: self._plan(work))
            await self._insist(work, None, lambda: self._spans(work))
            await self._insist(work, None, lambda: self._end(work))
        finally:
            work.stop.set()
            await held
            with contextlib.suppress(Unavailable):
                await self._runs.release(work.run)

    async def _hold(self, work: _Work) -> None:
        while not await stopped_within(work.stop, HOLD_SECONDS):
            try:
                await self._hold_on(work)
            except TakenAway:
                work.stop.set()
            except Unavailable as error:
                work.since = asyncio.get_running_loop().time()  # an outage is no work
                self._report.trouble(error)

    async def _hold_on(self, work: _Work) -> None:
        now = asyncio.get_running_loop().time()
        waits_for = next(iter(work.waits.values()), None)
        await self._runs.hold(work.run, now - work.since, waits_for)
        work.since = now

    async def _plan(self, work: _Work) -> None:
        if not work.run.planned:
            spans = await self._log.spans(work.run.topics, work.run.published)
            await self._runs.plan(work.run, spans)

    async def _spans(self, work: _Work) -> None:
        room = asyncio.Semaphore(SPANS_AT_ONCE_MAX)

        async def read(span: Span) -> None:
            async with self._readers:
                await self._span(work, span)

        async def one(span: Span) -> None:
            async with room:
                await self._insist(work, span, lambda: read(span))

        spans = await self._runs.open_spans(work.run)
        await asyncio.gather(*(one(span) for span in spans))

    async def _span(self, work: _Work, span: Span) -> None:
        # Asked for each time: whether the last step was stored may be unknown.
        position = await self._runs.position(work.run, span)
        async with contextlib.aclosing(self._log.read(span, position)) as pieces:
            async for messages in pieces:
                decoded = await self._decoder.decode(messages)
                piece = Piece.of(span, messages, decoded, work.run.published)
                position = await self._stored(work, piece, position)
                work.waits.pop(span, None)
                self._report.read(len(messages))
                if work.stop.is_set():
                    return
        await self._runs.span_done(work.run, span)

    async def _stored(self, work: _Work, piece: Piece, before: Position | None) -> Position:
        """The piece, or its halves until what the database refuses stands alone; its last place."""
        try:
            await self._runs.apply(work.run, piece.step(before))
        except RowRefused as error:
            for half in piece.halves(error):
                before = await self._stored(work, half, before)
        return piece.position

    async def _end(self, work: _Work) -> None:
        await self._hold_on(work)
        await self._runs.complete(work.run)

    async def _insist(
        self, work: _Work, span: Span | None, step: Callable[[], Awaitable[None]]
    ) -> None:
        """Until it is done, or the run is to be left. A defect of ours waits as trouble does, where
        an operator sees it: other runs go on."""
        seconds = RETRY_SECONDS_MIN
        while not work.stop.is_set():
            try:
                await step()
            except TakenAway:
                work.stop.set()
            except Exception as error:  # noqa: BLE001 whatever a defect of ours runs into
                if span not in work.waits:
                    seconds = RETRY_SECONDS_MIN
                work.waits[span] = str(_trouble(error))
                self._report.trouble(_trouble(error))
                await stopped_within(work.stop, seconds)
                seconds = min(RETRY_SECONDS_MAX, seconds * 2)
            else:
                work.waits.pop(span, None)
                return


def _trouble(error: Exception) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    trouble = Unavailable("replay-failed", f"a defect: {type(error).__name__}, see the log")
    trouble.__cause__ = error
    return trouble
