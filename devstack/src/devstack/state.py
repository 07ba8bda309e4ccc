"""What a stack remembers between two calls: ports and processes, in `state.json`."""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from devstack.failures import StackFailure

FORMAT = 1


@dataclass(frozen=True)
class ProcessRecord:
    """One process group that we started. The leader's pid is the group's id."""

    pid: int
    created: float  # seconds since the epoch as the kernel tells it: a reused pid is not ours
    boot: str  # the machine's boot id: after a reboot no pid is ours
    fingerprint: str  # of command and environment: another one means it runs something old


@dataclass(frozen=True)
class StackState:
    """Everything kept. A missing file is the empty state."""

    ports: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, ProcessRecord] = field(default_factory=dict)
    external: Mapping[str, str] = field(default_factory=dict)
    day_seconds: int = 86_400
    prepared: str = ""  # fingerprint of the preparation that was done last

    def without_process(self, name: str) -> "StackState":
        """The state once the process `name` has ended."""
        rest = {key: value for key, value in self.processes.items() if key != name}
        return replace(self, processes=rest)

    def with_process(self, name: str, record: ProcessRecord) -> "StackState":
        """The state once the process `name` was started."""
        return replace(self, processes={**self.processes, name: record})


class StateFile:
    """Reads and writes the state as a whole; threads of one process may share it.

    Two processes never write at once: `Stack` holds the run folder's lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> StackState:
        """The state as last written. Raises StackFailure when the file is not ours to read."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return StackState()
        try:
            return decode(text)
        except (ValueError, KeyError, TypeError) as problem:
            raise StackFailure(
                f"{self._path} cannot be read ({problem}). "
                "Stop what still runs, then remove the file: ./dev clean"
            ) from problem

    def update(self, change: Callable[[StackState], StackState]) -> StackState:
        """Reads, changes and writes in one step; a reader never sees half a file."""
        with self._lock:
            state = change(self.read())
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, encode(state))
            return state


def encode(state: StackState) -> str:
    """The file's text."""
    return json.dumps({"format": FORMAT, **asdict(state)}, indent=2, sort_keys=True) + "\n"


def decode(text: str) -> StackState:
    """The state in the file's text. Raises ValueError, KeyError or TypeError."""
    raw = json.loads(text)
    if raw.pop("format") != FORMAT:
        raise ValueError("written by another version of devstack")
    processes = {name: ProcessRecord(**record) for name, record in raw.pop("processes").items()}
    return StackState(processes=processes, **raw)


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Writes beside the file and renames, so that the file is the old one or the new one."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), mode)
        Path(temporary).rename(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
