"""The pace keeps to its rate, each service's apart, and ends at a stop."""

import asyncio
import time

import pytest

from audit_sink.adapters.steady_pace import SteadyPace
from dict_common.kernel.errors import Unavailable


async def test_turns_are_never_closer_than_the_rate_says() -> None:
    pace, began = SteadyPace(asyncio.Event()), time.monotonic()
    for _ in range(11):
        await pace.turn("claim-orchestrator", 100)
    assert time.monotonic() - began >= 0.099


async def test_another_service_has_turns_of_its_own() -> None:
    pace = SteadyPace(asyncio.Event())
    await pace.turn("claim-orchestrator", 1)
    async with asyncio.timeout(0.9):  # its next turn is a second away
        await pace.turn("audit-sink", 1)


async def test_stop_ends_a_wait() -> None:
    stop = asyncio.Event()
    pace = SteadyPace(stop)
    await pace.turn("claim-orchestrator", 1)
    waiting = asyncio.create_task(pace.turn("claim-orchestrator", 1))
    stop.set()
    with pytest.raises(Unavailable, match="stopping"):
        await waiting
