"""The file that DICT's state lives in: SQLite, committed before an answer leaves."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MEMORY = ":memory:"
LOCK_SECONDS_MAX = 2
TABLES = (
    "entries",
    "generated_sets",
    "generated_gone",
    "claims",
    "request_ids",
    "cid_events",
    "cid_files",
    "cid_files_made",
    "cid_file_troubles",
    "ledger",
    "faults",
    "cid_file_faults",
    "outage",
    "acts",
)


class StateUnusable(Exception):
    """The state file cannot be had: another simulator uses it, or it is no state file."""


class Store:
    """One connection, used by one thread; every call blocks for less than a millisecond or two.

    A commit is in the operating system's hands when it returns: it survives kill -9 of the
    process, not a power cut.
    """

    def __init__(self, path: str) -> None:
        """Opens or makes the file, readable by this user alone. Raises StateUnusable."""
        try:
            if path != IN_MEMORY:
                Path(path).touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS_MAX)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(
                (Path(__file__).parent / "state.sql").read_text(encoding="utf-8")
            )
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _unusable(path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits at the end, rolls back when the block raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def clear(self) -> None:
        """Empties every table and starts their numbers at 1 again."""
        with self.transaction() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names are our own constants
            db.execute("DELETE FROM sqlite_sequence")

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()


def _unusable(path: str, error: Exception) -> StateUnusable:
    return StateUnusable(
        f"{path}: {error}. Stop the simulator that uses it, or give this one its own file in a "
        "folder that exists: BRIDGE_SIMULATOR_STATE."
    )
