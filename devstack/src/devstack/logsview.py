"""Shows the logs of processes, as they are or as they grow."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from devstack.failures import StackFailure, tail
from devstack.layout import RunFolder

POLL_SECONDS = 0.3


def choose_logs(run: RunFolder, name: str | None) -> dict[str, Path]:
    """Log by name: one, or all there are. Raises StackFailure when there is none."""
    there = {path.stem: path for path in sorted(run.log("any").parent.glob("*.log"))}
    if name is None and there:
        return there
    if name in there:
        return {name: there[name]}
    if not there:
        raise StackFailure("There are no logs yet. Start the stack: ./dev up")
    raise StackFailure(f"There is no log {name}. Logs: {', '.join(there)}")


def last_lines(logs: Mapping[str, Path], lines: int) -> Iterator[tuple[str, str]]:
    """The last lines of each log as (name, line)."""
    for name, path in logs.items():
        for line in tail(path, lines):
            yield name, line


def follow(logs: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """New lines as they come, as (name, line); ends with Ctrl-C. Blocks."""
    pause = threading.Event()
    streams = {
        name: path.open("r", encoding="utf-8", errors="replace") for name, path in logs.items()
    }
    try:
        for stream in streams.values():
            stream.seek(0, 2)
        while True:
            quiet = True
            for name, stream in streams.items():
                while line := stream.readline():
                    quiet = False
                    yield name, line.rstrip("\n")
            if quiet:
                pause.wait(POLL_SECONDS)
    finally:
        for stream in streams.values():
            stream.close()
