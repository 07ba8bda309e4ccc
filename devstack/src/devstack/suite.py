"""`./dev test`: check, then one pytest run with a stack of its own."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devstack.groups import without_stack_variables
from devstack.stack import Stack

ENDING_SECONDS = 90.0  # pytest stops its stack, of which Pulsar alone may take 30 s


class Ended(KeyboardInterrupt):
    """Somebody asked this process alone to end (SIGTERM); Ctrl-C reaches our children too."""


def test_run_folder(repository: Path) -> Path:
    """Where the stack of the tests lives; never the user's."""
    return repository / ".devstack" / "test"


def run_tests(repository: Path, arguments: Sequence[str], stack: Stack) -> int:
    """Runs pytest and returns its exit code. Blocks.

    pytest starts `stack` when a chosen test needs it, and stops it (`tests/conftest.py`). Should
    it die before, the stack is stopped here, unless another run uses it.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=repository,
        env=without_stack_variables(os.environ),
    )
    try:
        return process.wait()
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Ended):
            process.send_signal(signal.SIGINT)
        return _wait_end(process)
    finally:
        with uninterrupted():
            if process.poll() is None:
                process.kill()
                process.wait()
            stop_unless_used(stack)


def stop_unless_used(stack: Stack) -> None:
    """Stops the tests' servers unless a run of pytest still uses them."""
    if not stack.run.root.is_dir():
        return
    with users_file(stack).open("w") as users, alone(users) as unused:
        if unused:
            stack.down()


def users_file(stack: Stack) -> Path:
    """Locked, shared, by each run of pytest for as long as it uses the stack."""
    return stack.run.root / "users"


@contextmanager
def alone(users: IO[str]) -> Iterator[bool]:
    """Whether no other run uses the servers; while the block runs none can begin to."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Further Ctrl-C is ignored while servers are stopped, so that none is left behind.

    For the main thread only: Python lets no other set signals.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_end(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return 130
