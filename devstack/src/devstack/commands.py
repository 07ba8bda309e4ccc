"""Runs one command to its end: output to a log, ended at once when the person gives up."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack.failures import Cancelled, CommandFailed

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Runner:
    """Where commands of one piece of work write, and what ends them early."""

    what: str  # shown in the message of a failure: "Building Temporal"
    log: Path
    cancelled: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Blocks until the command ended well. `environment` is added to our own.

        Raises CommandFailed with the last lines of the log, or Cancelled after having killed the
        command and all its children.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            output.write(f"$ {' '.join(command)}\n".encode())
            output.flush()
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=folder,
                start_new_session=True,
            )
            try:
                code = self._wait(process)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if code != 0:
            raise CommandFailed(self.what, command, code, self.log)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while True:
            if self.cancelled.is_set():
                raise Cancelled
            try:
                return process.wait(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
