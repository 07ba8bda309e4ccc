"""Waiting for conditions, with a deadline and without a sleep that hopes."""

import threading
from collections.abc import Callable

import pytest

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.05


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Blocks until the condition holds; fails the test after `seconds`."""
    pause = threading.Event()
    for _ in range(int(seconds / POLL_SECONDS)):
        if condition():
            return
        pause.wait(POLL_SECONDS)
    pytest.fail(f"the condition did not come to hold within {seconds:.0f} s")
