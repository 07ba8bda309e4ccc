"""A cache in which a thing is either whole or not there."""

import fcntl
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.commands import Runner
from devstack.failures import Cancelled

LOCK_POLL_SECONDS = 0.2
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Cache:
    """Folders `tools/<name>`, where the name holds the version. Many processes may share it."""

    root: Path
    cancelled: threading.Event

    def finished(self, name: str) -> Path | None:
        """The folder of `name` when it is whole, else None."""
        folder = self.root / "tools" / name
        return folder if folder.is_dir() else None

    def part(self, name: str) -> Path:
        """Where `name` is being made; what an interrupted run left there may be used again."""
        return self.root / "tools" / f".{name}.part"

    def runner(self, name: str, what: str) -> Runner:
        """Runs commands that make `name`, logged in the cache."""
        return Runner(what, self.root / "logs" / f"{name}.log", self.cancelled)

    def ensure(self, name: str, make: Callable[[Path], None]) -> Path:
        """Returns the folder of `name`, first making it by `make(folder)` when it is missing.

        `make` fills a folder of another name that is renamed once it returned, so a folder that
        exists is whole. It may find what an interrupted run left and must cope with it. A second
        process that wants the same name waits. Blocks for as long as `make` does.
        """
        found = self.finished(name)
        if found is not None:
            return found
        with self._locked(name):
            found = self.finished(name)
            if found is not None:
                return found
            part = self.part(name)
            part.mkdir(parents=True, exist_ok=True)
            make(part)
            return part.rename(self.root / "tools" / name)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / name).open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self.cancelled.wait(LOCK_POLL_SECONDS):
                        raise Cancelled from None
            yield


def empty(folder: Path) -> None:
    """Removes everything in the folder, for a `make` that cannot go on where it was stopped."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def size_bytes(folder: Path) -> int:
    """Bytes of all files below. Files that vanish meanwhile count as nothing."""
    total = 0
    pending = [folder]
    while pending:
        try:
            entries = list(pending.pop().iterdir())
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_symlink():
                    continue
                if entry.is_dir():
                    pending.append(entry)
                else:
                    total += entry.stat().st_size
            except OSError:
                continue
    return total


def checksum(path: Path, algorithm: str, cancelled: threading.Event) -> str:
    """Of a whole file, in hex; `algorithm` as hashlib names it. Raises Cancelled."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if cancelled.is_set():
                raise Cancelled
            digest.update(chunk)
    return digest.hexdigest()
