"""The stack that tests share: started in the background, by the first run that needs it.

Several pytest runs of one checkout may go on at once. They share the servers of `.devstack/test`
(each test makes a world of its own in them), and the last run to end stops them.
"""

import fcntl
import shutil
import threading
from pathlib import Path
from typing import IO

from devstack.failures import Cancelled, StackFailure
from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack
from devstack.suite import alone, test_run_folder, users_file

REPOSITORY = Path(__file__).resolve().parents[2]


class SharedStack:
    """The servers of `.devstack/test`, from the first use to the end of the run.

    With `keep` they go on running after it and the next run finds them, which saves it ten
    seconds; `./dev test` and `./dev clean` stop them.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._folder = test_run_folder(REPOSITORY)
        self._stack = Stack(self._folder, fetch=fetch_quietly)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._users: IO[str] | None = None

    def begin(self) -> None:
        """Starts the servers in the background; called as soon as a chosen test needs them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._users = users_file(self._stack).open("w")
        with alone(self._users) as first:
            if first and not self._keep:
                self._stack.down()
                for name in ("data", "logs", "state.json", "pgpass"):
                    _remove(self._folder / name)
        fcntl.flock(self._users, fcntl.LOCK_SH)
        self._thread = threading.Thread(target=self._start, name="shared-stack")
        self._thread.start()

    def get(self) -> Stack:
        """The stack once all servers answer. Blocks. Raises what went wrong: no test is skipped."""
        if self._thread is None:
            self.begin()
        assert self._thread is not None
        self._thread.join()
        if self._failure is not None:
            raise StackFailure(f"The stack of the tests did not start: {self._failure}")
        return self._stack

    def end(self) -> None:
        """Stops the servers unless another run uses them."""
        if self._users is None:
            return
        self._stack.cancel()
        if self._thread is not None:
            self._thread.join()
        with self._users as users:
            fcntl.flock(users, fcntl.LOCK_UN)
            with alone(users) as last:
                if last and not self._keep:
                    self._stack.down()
        self._users = None

    def _start(self) -> None:
        try:
            self._stack.up(infrastructure_only=True)
        except (StackFailure, Cancelled, OSError) as failure:
            self._failure = failure


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
