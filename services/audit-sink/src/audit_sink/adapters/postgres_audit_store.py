"""AuditStore over PostgreSQL: one transaction a batch, in the role that may only INSERT."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from uuid import UUID

from audit_sink.application.ports import Candidate, RowRefused, Written
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import batch_root, parts
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.errors import OF_THE_DATA
from dict_common.store.queries import load_queries

_QUERIES = load_queries("audit_sink.adapters", "audit")
_COLUMNS = tuple(field.name for field in fields(AuditRow))


class PostgresAuditStore:
    """Writes batches and makes months."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, batch_id: UUID, candidates: Sequence[Candidate]) -> Written:
        """Gate, rows, roots and chain number in one transaction."""
        try:
            async with self._database.transaction() as connection:
                return await self._write(connection, batch_id, candidates)
        except OF_THE_DATA as error:
            raise RowRefused(
                getattr(error, "sqlstate", None) or "client", type(error).__name__
            ) from error

    async def ensure_months(self, months: Sequence[date]) -> None:
        """Makes missing partitions through a function that runs as their owner."""
        for month in months:
            await self._database.fetch(_QUERIES["ensure_partition"], (month,))

    async def months(self) -> frozenset[date]:
        """The months that have a partition of their own."""
        rows = await self._database.fetch(_QUERIES["partition_months"])
        return frozenset(row["month"] for row in rows)

    async def _write(
        self, connection: Connection, batch_id: UUID, candidates: Sequence[Candidate]
    ) -> Written:
        ids = [candidate.row.event_id for candidate in candidates]
        digests = [candidate.content_digest for candidate in candidates]
        inserted = await timed_fetch(connection, _QUERIES["gate_insert"], (ids, digests))
        passed = {row["event_id"] for row in inserted}
        new = [candidate for candidate in candidates if candidate.row.event_id in passed]
        known = [candidate for candidate in candidates if candidate.row.event_id not in passed]
        reused = await self._reused(connection, known)
        if new:
            await self._insert(connection, batch_id, [candidate.row for candidate in new])
        return Written(tuple(new), len(known) - len(reused), tuple(reused))

    async def _reused(self, connection: Connection, known: Sequence[Candidate]) -> list[Candidate]:
        if not known:
            return []
        ids = [candidate.row.event_id for candidate in known]
        rows = await timed_fetch(connection, _QUERIES["gate_digests"], (ids,))
        digests = {row["event_id"]: row["content_digest"] for row in rows}
        return [
            candidate
            for candidate in known
            if digests[candidate.row.event_id] != candidate.content_digest
        ]

    async def _insert(
        self, connection: Connection, batch_id: UUID, rows: Sequence[AuditRow]
    ) -> None:
        await connection.copy_records_to_table(
            "workflow_events",
            schema_name="audit",
            columns=[*_COLUMNS, "batch_id", "leaf_no"],
            records=[
                (*(getattr(row, name) for name in _COLUMNS), batch_id, leaf_no)
                for leaf_no, row in enumerate(rows)
            ],
        )
        made = parts(rows)
        await timed_fetch(
            connection,
            _QUERIES["batch_parts_insert"],
            (
                batch_id,
                [part.month for part in made],
                [part.rows for part in made],
                [part.root for part in made],
            ),
        )
        # Locked last: holding the chain during the COPY would make every sink wait for it.
        await timed_fetch(connection, _QUERIES["chain_lock"])
        await timed_fetch(
            connection, _QUERIES["batch_insert"], (batch_id, len(rows), batch_root(made))
        )
