"""RunStore over PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Database, Row, timed_fetch
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import cid_in
from vsync.application.sync_ports import LocalVSync, OrderedFile
from vsync.application.sync_process import RunEnd, RunRef, VSyncResult
from vsync.domain.entry import EntrySet
from vsync.domain.sync_run import SyncStatus

_QUERIES = load_queries("vsync.adapters", "runs")
_ROW_STATUS = {SyncStatus.PARTIAL: "PARTIAL_SUCCESS"}
"""The seeds call one thing by two names: the run's table has its own."""


class PostgresRuns:
    """Runs, their proofs and reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def proven_before(self, run: RunRef) -> datetime | None:
        """By another run."""
        arguments = (run.participant, run.key_type, run.run_id)
        row = await self._database.fetch_row(_QUERIES["run_proof_before"], arguments)
        return None if row is None else row["last_ok_at"]

    async def start(
        self, run: RunRef, since: datetime | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once; a repeat changes nothing."""
        async with self._database.transaction() as connection:
            (row,) = await timed_fetch(
                connection,
                _QUERIES["run_start"],
                (
                    run.run_id,
                    run.workflow_id,
                    UUID(run.workflow_run_id),
                    run.participant,
                    run.key_type,
                    run.started_at,
                    run.sync_type,
                    since,
                ),
            )
            if row["new"]:
                await outbox.insert(connection, events, 0)

    async def local_vsync(self, of: EntrySet) -> LocalVSync:
        """Anew; a fold that differs in the same snapshot is put right, alone under its lock."""
        names = (of.participant, of.key_type)
        row = await self._database.fetch_row(_QUERIES["vsync_of"], names)
        assert row is not None, "an aggregate is one row"
        differed = row["fold_differs"]
        if differed:
            async with self._database.transaction() as connection:
                await timed_fetch(connection, _QUERIES["fold_lock"], names)
                (row,) = await timed_fetch(connection, _QUERIES["vsync_of"], names)
                await timed_fetch(connection, _QUERIES["fold_mend"], (*names, *_four(row)))
        vsync = cid_in(row)
        assert vsync is not None, "of no key at all it is zeros"
        return LocalVSync(vsync, row["keys"], row["at"], differed)

    async def verified(
        self, run_id: UUID, local: LocalVSync, ok: bool, proven_at: datetime | None
    ) -> None:
        """DICT's word, and the proof."""
        word = "OK" if ok else "NOK"
        arguments = (run_id, local.vsync, local.keys, word, proven_at)
        await self._database.fetch(_QUERIES["run_verified"], arguments)

    async def file_granted(self, run: RunRef, files_a_day: int) -> bool:
        """Counted in the same transaction, so that two sets do not take the last token."""
        async with self._database.transaction() as connection:
            await timed_fetch(connection, _QUERIES["files_lock"])
            if await timed_fetch(connection, _QUERIES["file_of_run"], (run.run_id,)):
                return True
            arguments = (run.run_id, files_a_day)
            (row,) = await timed_fetch(connection, _QUERIES["files_left"], arguments)
            if row["left"] <= 0:
                return False
            reserved = (run.run_id, run.participant, run.key_type)
            await timed_fetch(connection, _QUERIES["file_reserve"], reserved)
        return True

    async def file_ordered(self, run: RunRef, file_id: str, at: datetime) -> None:
        """What DICT has called it."""
        await self._database.fetch(_QUERIES["file_insert"], (run.run_id, file_id, at))

    async def file_of(self, run_id: UUID) -> OrderedFile | None:
        """None too where the order was not answered yet."""
        row = await self._database.fetch_row(_QUERIES["file_of_run"], (run_id,))
        if row is None or row["file_id"] is None:
            return None
        return OrderedFile(row["file_id"], row["requested_at"])

    async def report(self, end: RunEnd, report_id: UUID) -> VSyncResult:
        """Once; a repeat answers what was written."""
        run = end.run
        row = await self._database.fetch_row(
            _QUERIES["report_insert"],
            (
                report_id,
                run.run_id,
                run.participant,
                run.key_type,
                run.sync_type,
                run.started_at,
                end.keys,
                run.workflow_id,
                end.status,
                end.ended_at,
                end.error,
                None if end.vsync is None else bytes.fromhex(end.vsync),
                end.parts or [],
                UUID(run.workflow_run_id),
            ),
        )
        assert row is not None, "a report is there now"
        return _result(row)

    async def ended(
        self, end: RunEnd, result: VSyncResult, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        repaired = result.entries_created + result.entries_updated + result.entries_deleted
        async with self._database.transaction() as connection:
            rows = await timed_fetch(
                connection,
                _QUERIES["run_ended"],
                (
                    end.run.run_id,
                    _ROW_STATUS.get(SyncStatus(end.status), end.status),
                    end.ended_at,
                    end.error,
                    result.discrepancies,
                    repaired,
                    result.failed,
                ),
            )
            if rows:
                await timed_fetch(connection, _QUERIES["staged_delete"], (end.run.run_id,))
                await outbox.insert(connection, events, rows[0]["version"] - 1)


def _four(row: Row) -> tuple[int, int, int, int, int]:
    return row["keys"], row["c1"], row["c2"], row["c3"], row["c4"]


def _result(row: Row) -> VSyncResult:
    return VSyncResult(
        report_id=row["id"],
        status=row["status"],
        sync_timestamp=row["sync_timestamp"],
        duration_ms=row["duration_ms"],
        entries_synced=row["entries_synced"],
        entries_created=row["entries_created"],
        entries_updated=row["entries_updated"],
        entries_deleted=row["entries_deleted"],
        discrepancies=row["discrepancies"],
        failed=row["failed"],
        requests=row["requests"],
        error_message=row["error_message"],
    )
