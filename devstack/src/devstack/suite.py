"""`./dev test`: check, then one pytest run with a stack of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from devstack.groups import without_stack_variables
from devstack.stack import Stack

ENDING_SECONDS = 90.0  # pytest stops its stack, of which Pulsar alone may take 30 s


def test_run_folder(repository: Path) -> Path:
    """Where the stack of the tests lives; never the user's."""
    return repository / ".devstack" / "test"


def run_tests(repository: Path, arguments: Sequence[str], stack: Stack) -> int:
    """Runs pytest and returns its exit code. Blocks.

    pytest starts `stack` when a chosen test needs it, and stops it (`tests/conftest.py`). Should
    it die before, or this process be asked to end, the stack is stopped here.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=repository,
        env=without_stack_variables(os.environ),
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)  # once more than the terminal may have: it is harmless
        return _wait_end(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        stack.down()


def _wait_end(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return 130
