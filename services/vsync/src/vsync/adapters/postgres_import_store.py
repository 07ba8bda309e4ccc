"""ImportStore over one connection of PostgreSQL, which nobody else imports beside."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import asyncpg

from dict_common.kernel.ids import IdSource
from dict_common.store import outbox
from dict_common.store.database import Connection, Row, open_connection, timed_fetch
from dict_common.store.errors import unavailable_when_away
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import columns_of
from vsync.adapters.entry_rows import entry_in, numbers_of
from vsync.application.import_entries import (
    Begun,
    Ending,
    ImportedChunk,
    ImportRuns,
    Judged,
)
from vsync.application.import_rows import Fault
from vsync.domain.imports import NOTHING, Counted, report_as_of

_QUERIES = load_queries("vsync.adapters", "imports")
ATTEMPTS_MAX = 5
"""Of a chunk, where a report brings a CID of it in the moment between look and write."""
STAGED = (
    "line",
    "entry_id",
    "participant",
    "key_type",
    "c1",
    "c2",
    "c3",
    "c4",
    "key_hash",
    "sealed",
    "subject_id",
    "numbers",
    "version",
)
_COUNTED = ("created", "updated", "unchanged", "overtaken", "seen", "bad")


@asynccontextmanager
async def import_store(
    url: str, role: str, new_id: IdSource
) -> AsyncIterator["PostgresImportStore"]:
    """Opens its connection, and closes it at the end. Raises Unavailable."""
    connection = await open_connection(url, role)
    try:
        for name in ("import_plans", "import_staging"):
            async with unavailable_when_away(name):
                await connection.execute(_QUERIES[name].sql)
        yield PostgresImportStore(connection, new_id)
    finally:
        await connection.close()


class PostgresImportStore:
    """vsync.imports, and vsync.entries with what follows from them."""

    def __init__(self, connection: Connection, new_id: IdSource) -> None:
        self._connection = connection
        self._new_id = new_id

    async def begin(self, file_sha256: str, as_of: datetime, chunk_rows: int) -> Begun:
        """The import, alone until the connection ends. Raises ImportRuns, Unavailable."""
        async with unavailable_when_away("begin an import"):
            (lock,) = await self._fetch("import_alone")
            if not lock["alone"]:
                raise ImportRuns
            found = await self._fetch("import_found", file_sha256, as_of)
            if found:
                begun = await self._begun(found[0])
                if begun.ended_at is None or not begun.counted.bad:
                    return begun
            import_id = self._new_id()
            await self._fetch("import_begin", import_id, file_sha256, as_of, chunk_rows)
        return Begun(import_id, chunk_rows)

    async def write(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        """One transaction. Raises Unavailable."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with unavailable_when_away("import a chunk"), self._connection.transaction():
                    return await self._written(begun, chunk, ending)
            except asyncpg.UniqueViolationError as error:
                if error.constraint_name != "uq_cids_active" or attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the last attempt answers or raises")

    async def look(self, chunk: ImportedChunk) -> tuple[Counted, Sequence[Fault]]:
        """One transaction, undone. Raises Unavailable."""
        transaction = self._connection.transaction()
        async with unavailable_when_away("look at a chunk"):
            await transaction.start()
            try:
                judged = await self._judged(chunk)
            finally:
                await transaction.rollback()
        return judged.counted, judged.faults

    async def _written(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        ready, import_id = chunk.ready, begun.import_id
        await self._fetch("import_lock", [row.entry_id for row in ready.rows])
        judged = await self._judged(chunk)
        if judged.stand:
            report = report_as_of(chunk.as_of)
            await self._fetch(
                "import_write", report.source, report.number, report.dict_time, import_id
            )
        if judged.numbered:
            ids = [entry.entry_id for entry in judged.numbered]
            numbers = [numbers_of(entry) for entry in judged.numbered]
            await self._fetch("import_numbers", ids, numbers)
        counted, faults = judged.counted, [list(it) for it in judged.faults]
        await self._fetch("import_chunk_done", import_id, ready.number, *astuple(counted), faults)
        if ending is not None:
            total = (await self._chunks(import_id))[1]
            await outbox.insert(self._connection, await ending(total), 0)
            await self._fetch("import_end", import_id)
        return counted, judged.faults

    async def _judged(self, chunk: ImportedChunk) -> Judged:
        """What the chunk makes of the entries as they are now; what stands of it is staged."""
        ids = [row.entry_id for row in chunk.ready.rows]
        rows = await self._fetch("import_load", ids)
        judged = chunk.judge({row["entry_id"]: entry_in(row["entry_id"], row) for row in rows})
        if not judged.stand:
            return judged
        await self._connection.copy_records_to_table(
            "staged", records=_staged(judged, _subject_of(chunk)), columns=STAGED
        )
        line_max = max(row.line for row, _ in judged.stand)
        taken = await self._fetch("import_take_out", line_max)
        return judged.without(row["line"] for row in taken)

    async def _begun(self, found: Row) -> Begun:
        done, counted, faults = await self._chunks(found["import_id"])
        return Begun(
            found["import_id"], found["chunk_rows"], done, counted, faults, found["ended_at"]
        )

    async def _chunks(self, import_id: UUID) -> tuple[frozenset[int], Counted, list[Fault]]:
        rows = await self._fetch("import_chunks", import_id)
        counted = sum((Counted(*(row[it] for it in _COUNTED)) for row in rows), NOTHING)
        faults = [Fault(*fault) for row in rows for fault in row["faults"]]
        return frozenset(row["chunk"] for row in rows), counted, faults

    async def _fetch(self, name: str, *arguments: object) -> list[Row]:
        return await timed_fetch(self._connection, _QUERIES[name], arguments)


def _subject_of(chunk: ImportedChunk) -> Callable[[int], UUID | None]:
    """By a person's place; nobody's while it is only a look."""
    return lambda person: chunk.subjects[person] if chunk.subjects else None


def _staged(judged: Judged, subject_of: Callable[[int], UUID | None]) -> list[tuple[object, ...]]:
    return [
        (
            row.line,
            row.entry_id,
            row.set.participant,
            row.set.key_type,
            *columns_of(row.cid),
            row.key_hash,
            row.sealed,
            subject_of(row.person),
            numbers_of(entry),
            entry.version,
        )
        for row, entry in judged.stand
    ]
