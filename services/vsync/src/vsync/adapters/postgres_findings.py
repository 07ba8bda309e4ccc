"""Findings over PostgreSQL; a whole set is copied to a file, fifty bytes a key."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import numpy as np

from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import cid_in, columns_of
from vsync.application.sync_ports import Finding, FoundDiscrepancy, Said, Twin
from vsync.application.sync_process import Compared, RunRef
from vsync.domain.cid_events import CidEventType, CidLog
from vsync.domain.cid_sets import Cids, Reading
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import EntrySet
from vsync.domain.sync_run import Rung

_QUERIES = load_queries("vsync.adapters", "findings")

COPY_SECONDS_MAX = 600.0
_COPIED_ROW = np.dtype(
    {
        "names": [f"c{at}" for at in range(4)],
        "formats": [np.uint64] * 4,
        "offsets": [2 + 4 + 12 * at for at in range(4)],
        "itemsize": 2 + 4 * 12,
    }
)
"""A row of COPY BINARY: how many fields, then length and bytes of each; the bytes as they are."""
_COPY_HEADER_BYTES = 19
_COPY_TRAILER_BYTES = 2
_WRITE_BYTES = 1 << 20
_ROWS_AT_ONCE = 65_536
_FOUND_AT_ONCE = 5_000
"""In one statement: a hundred thousand would take most of the time that a statement is given."""
_LOG_COLUMNS = ("run_id", "rung", "c1", "c2", "c3", "c4", "added", "dict_at")
_FOUND_COLUMNS = ("run_id", "rung", "remote", "c1", "c2", "c3", "c4", "dict_at")


class PostgresFindings:
    """What a rung has found. `folder`: where sets of millions lie while they are compared."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def keep_log(self, run_id: UUID, rung: Rung, log: CidLog) -> None:
        """In place of what an earlier attempt kept."""
        rows = [
            (run_id, int(rung), *columns_of(event.cid), event.type is CidEventType.ADDED, event.at)
            for event in log.last_events
        ]
        async with self._database.transaction() as connection:
            await timed_fetch(connection, _QUERIES["log_delete"], (run_id, int(rung)))
            await connection.copy_records_to_table(
                "log_cids", schema_name="vsync", columns=_LOG_COLUMNS, records=rows
            )

    async def compare_log(
        self, run: RunRef, rung: Rung, settled_before: datetime, vsync: bytes | None
    ) -> Compared:
        """Against the set as it is, in one snapshot."""
        names = (run.participant, run.set.key_type)
        async with self._database.transaction() as connection:
            arguments = (run.run_id, int(rung), *names, settled_before)
            rows = await timed_fetch(connection, _QUERIES["log_differences"], arguments)
            explained = cid_in(rows[0], "x") == vsync
            rows = [row for row in rows if row["remote"] is not None]
            found = [row for row in rows if row["settled"]]
            await _keep(
                connection,
                run.run_id,
                rung,
                (
                    (row["remote"], row["c1"], row["c2"], row["c3"], row["c4"], row["dict_at"])
                    for row in found
                ),
            )
        remote = sum(row["remote"] for row in found)
        unsettled = len(rows) - len(found)
        return Compared(len(found) - remote, remote, unsettled, explained=explained)

    @asynccontextmanager
    async def local_cids(self, of: EntrySet) -> AsyncIterator[Reading]:
        """One statement, so one snapshot; read as often as is asked for."""
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".cids") as copied:
            gathered = _Gathered(copied)
            async with self._database.connection() as connection:
                await connection.copy_from_query(
                    _QUERIES["cids_of"].sql,
                    of.participant,
                    of.key_type,
                    output=gathered.write_later,
                    format="binary",
                    timeout=COPY_SECONDS_MAX,
                )
            await gathered.write()
            path = Path(copied.name)
            yield lambda: _copied(path)

    async def keep(
        self, run_id: UUID, rung: Rung, only_local: Iterable[bytes], only_remote: Iterable[bytes]
    ) -> None:
        """In place of what an earlier attempt kept."""
        async with self._database.transaction() as connection:
            await _keep(
                connection,
                run_id,
                rung,
                (
                    (remote, *columns_of(cid), None)
                    for remote, cids in ((False, only_local), (True, only_remote))
                    for cid in cids
                ),
            )

    async def drop_moved(self, run_id: UUID, rung: Rung) -> int:
        """What the kept log names."""
        row = await self._database.fetch_row(_QUERIES["found_drop_moved"], (run_id, int(rung)))
        return 0 if row is None else int(row["moved"])

    async def unread(self, run_id: UUID, rung: Rung, limit: int) -> list[bytes]:
        """Not asked for yet."""
        arguments = (run_id, int(rung), limit)
        rows = await self._database.fetch(_QUERIES["found_unread"], arguments)
        return [cid for row in rows if (cid := cid_in(row)) is not None]

    async def read(self, run_id: UUID, rung: Rung, cid: bytes, said: Said) -> None:
        """Once for each."""
        words = (said.key_hash, said.sealed, said.seen_at, said.reason_code)
        arguments = (run_id, int(rung), *columns_of(cid), *words)
        await self._database.fetch(_QUERIES["found_read"], arguments)

    async def found(self, run: RunRef, rung: Rung) -> list[Finding]:
        """DICT's first, in the order of their CIDs."""
        arguments = (run.run_id, int(rung), run.participant, run.key_type)
        rows = await self._database.fetch(_QUERIES["found_all"], arguments)
        return [
            Finding(
                cid=cid,
                remote=row["remote"],
                dict_at=row["dict_at"],
                key_hash=row["key_hash"],
                entry_id=row["entry_id"],
                seen_at=row["seen_at"],
                reason_code=row["reason_code"],
            )
            for row in rows
            if (cid := cid_in(row)) is not None
        ]

    async def twins(self, run: RunRef, rung: Rung) -> list[Twin]:
        """Of the keys of remote findings."""
        arguments = (run.run_id, int(rung), run.participant, run.key_type)
        rows = await self._database.fetch(_QUERIES["found_twins"], arguments)
        return [
            Twin(row["entry_id"], cid, row["key_hash"])
            for row in rows
            if (cid := cid_in(row)) is not None
        ]

    async def classified(
        self,
        run: RunRef,
        rung: Rung,
        found: Sequence[FoundDiscrepancy],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """With the event that tells of them."""
        async with self._database.transaction() as connection:
            for start in range(0, len(found), _FOUND_AT_ONCE):
                piece = found[start : start + _FOUND_AT_ONCE]
                columns = zip(*(_columns(it) for it in piece), strict=True)
                await timed_fetch(
                    connection,
                    _QUERIES["discrepancies_insert"],
                    (run.run_id, int(rung), *map(list, columns)),
                )
            (row,) = await timed_fetch(connection, _QUERIES["run_tells"], (run.run_id,))
            await outbox.insert(connection, events, row["version"] - 1)

    async def counts(self, run_id: UUID, rung: Rung) -> dict[DiscrepancyType, int]:
        """By type; empty where there are none (yet)."""
        rows = await self._database.fetch(_QUERIES["discrepancies_counted"], (run_id, int(rung)))
        return {DiscrepancyType(row["type"]): row["count"] for row in rows}


async def _keep(
    connection: Connection, run_id: UUID, rung: Rung, findings: Iterable[tuple[object, ...]]
) -> None:
    await timed_fetch(connection, _QUERIES["found_delete"], (run_id, int(rung)))
    await connection.copy_records_to_table(
        "found_cids",
        schema_name="vsync",
        columns=_FOUND_COLUMNS,
        records=((run_id, int(rung), *finding) for finding in findings),
    )


def _columns(found: FoundDiscrepancy) -> tuple[object, ...]:
    return (
        found.number,
        found.type,
        found.entry_id,
        found.key_hash,
        found.local_cid,
        found.remote_cid,
        *columns_of(found.remote_cid),
        found.dict_at,
        found.seen_at,
        found.reason_code,
    )


class _Gathered:
    """Bytes on their way into a file, many at once: each write is a step of another thread."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._waiting = bytearray()

    async def write_later(self, piece: bytes) -> None:
        """Together with others."""
        self._waiting += piece
        if len(self._waiting) >= _WRITE_BYTES:
            await self.write()

    async def write(self) -> None:
        """What waits."""
        waiting, self._waiting = self._waiting, bytearray()
        await asyncio.to_thread(self._target.write, waiting)
        await asyncio.to_thread(self._target.flush)


def _copied(path: Path) -> Iterator[Cids]:
    """The CIDs of a COPY BINARY, in pieces."""
    rows_bytes = path.stat().st_size - _COPY_HEADER_BYTES - _COPY_TRAILER_BYTES
    count = rows_bytes // _COPIED_ROW.itemsize
    with path.open("rb") as source:
        source.seek(_COPY_HEADER_BYTES)
        for start in range(0, count, _ROWS_AT_ONCE):
            rows = np.fromfile(source, _COPIED_ROW, min(_ROWS_AT_ONCE, count - start))
            cids = np.empty((len(rows), 4), np.uint64)
            for at in range(4):
                cids[:, at] = rows[f"c{at}"]
            yield cids.view(np.uint8)
