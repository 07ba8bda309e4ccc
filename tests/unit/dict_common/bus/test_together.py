"""Pieces of work that end together."""

import asyncio

import pytest

from dict_common.bus.together import every, run_together
from dict_common.kernel.errors import Unavailable


async def test_all_end_when_asked_to() -> None:
    ended: list[str] = []

    def piece(name: str):  # type: ignore[no-untyped-def]
        async def run(stop: asyncio.Event) -> None:
            await stop.wait()
            ended.append(name)

        return run

    stop = asyncio.Event()
    running = asyncio.create_task(run_together([piece("a"), piece("b")], stop))
    await asyncio.sleep(0)
    stop.set()
    await running
    assert sorted(ended) == ["a", "b"]


async def test_one_that_fails_ends_the_others_and_says_why() -> None:
    async def failing(_stop: asyncio.Event) -> None:
        raise Unavailable("pulsar-failed", "gone")

    async def waiting(stop: asyncio.Event) -> None:
        await stop.wait()

    with pytest.raises(Unavailable, match="pulsar-failed"):
        await run_together([waiting, failing], asyncio.Event())


async def test_turn_is_repeated_and_a_server_that_is_away_costs_one() -> None:
    turns: list[int] = []
    stop = asyncio.Event()

    async def turn() -> None:
        turns.append(len(turns))
        if len(turns) == 3:
            stop.set()
        raise Unavailable("postgres-away", "away")

    await every(0.001, turn, "test")(stop)
    assert turns == [0, 1, 2]
