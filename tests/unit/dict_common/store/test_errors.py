"""What an error of PostgreSQL's client means: wait and repeat, or that somebody was stopped."""

import asyncio

import asyncpg
import pytest

from dict_common.kernel.errors import Unavailable
from dict_common.store.errors import unavailable_when_away


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), asyncpg.InterfaceError("closed")]
)
async def test_trouble_is_waited_for(error: Exception) -> None:
    with pytest.raises(Unavailable, match="postgres-failed: x"):
        async with unavailable_when_away("x"):
            raise error


async def test_value_that_is_refused_passes() -> None:
    with pytest.raises(asyncpg.DataError):
        async with unavailable_when_away("x"):
            raise asyncpg.DataError


@pytest.mark.parametrize("error", [TimeoutError(), asyncpg.InterfaceError("closed")])
async def test_trouble_of_a_statement_that_was_stopped_is_the_stop(error: Exception) -> None:
    begun = asyncio.Event()

    async def statement() -> None:
        async with unavailable_when_away("x"):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise error  # the client could not tell the server

    task = asyncio.create_task(statement())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_time_that_is_over_is_told_as_such() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001), unavailable_when_away("x"):
            await asyncio.Event().wait()
