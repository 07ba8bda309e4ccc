"""What can go wrong, in words that say what to do."""

from collections.abc import Sequence
from pathlib import Path

TAIL_LINES = 40


class StackFailure(Exception):
    """Anything a person at the terminal must act on. The message is shown as it is."""


class ToolMissing(StackFailure):
    """A program cannot be had on this machine; the message says how to get it."""


class Cancelled(StackFailure):
    """The person pressed Ctrl-C, or the process was asked to end."""

    def __init__(self) -> None:
        super().__init__("Stopped before it was done. The next run goes on from here.")


class CommandFailed(StackFailure):
    """A command that should have ended well did not."""

    def __init__(self, what: str, command: Sequence[str], exit_code: int, log: Path) -> None:
        super().__init__(
            f"{what} failed with exit code {exit_code}: {' '.join(command)}\n{describe_tail(log)}"
        )


class StartFailed(StackFailure):
    """A process ended, or did not answer in time, while it was started."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} {reason}.\n{describe_tail(log)}")


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log, none when it does not exist. Reads at most 256 KiB."""
    if not log.is_file():
        return []
    with log.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 256 * 1024))
        return stream.read().decode("utf-8", "replace").splitlines()[-lines:]


def describe_tail(log: Path) -> str:
    """The last lines under a heading that names the whole file."""
    return "\n".join([f"Last lines of {log}:", *(f"  {line}" for line in tail(log))])
