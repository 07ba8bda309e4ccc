"""Waits are on conditions, with a deadline that a busy machine never meets."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_Value = TypeVar("_Value")

DEADLINE_SECONDS = 90.0
POLL_SECONDS = 0.1


async def until(
    look: Callable[[], Awaitable[_Value]], what: str, seconds: float = DEADLINE_SECONDS
) -> _Value:
    """The first true answer of `look`; an assertion error saying `what` never came true."""
    deadline = time.monotonic() + seconds
    while True:
        value = await look()
        if value:
            return value
        assert time.monotonic() < deadline, f"never came true: {what}; last answer {value!r}"
        await asyncio.sleep(POLL_SECONDS)
