"""Several pieces of work in one process, which end together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from dict_common.kernel.errors import Unavailable
from dict_common.kernel.stopping import stopped_within
from dict_common.telemetry.logs import logger

Piece = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then finishes what it holds and returns."""

_log = logger(__name__)


async def run_together(pieces: Sequence[Piece], stop: asyncio.Event) -> None:
    """Runs all until `stop`, or until one fails: then the others are stopped, and it raises what
    that one raised."""
    ending = asyncio.Event()
    tasks = [asyncio.ensure_future(piece(ending)) for piece in pieces]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    ending.set()
    stopped.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def every(seconds: float, work: Callable[[], Awaitable[object]], what: str) -> Piece:
    """A piece that repeats something; a server that is away costs that one turn."""

    async def piece(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await work()
            except Unavailable as error:
                _log.warning("turn-skipped", what=what, reason=error.reason_code)
            except Exception:  # noqa: BLE001 a defect here must not end its neighbours
                _log.exception("turn-failed", what=what)
            await stopped_within(stop, seconds)

    return piece
