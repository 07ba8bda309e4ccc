"""AuditStore over PostgreSQL: one transaction a batch, in the role that may only INSERT."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from audit_sink.adapters.copy_rows import copied, stream
from audit_sink.adapters.stored_rows import COLUMNS
from audit_sink.application.ports import Candidate, RowRefused, Written
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import (
    Columns,
    batch_root,
    framed_columns,
    parts_of_columns,
)
from dict_common.kernel.errors import DictError, Unavailable
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.queries import Query, load_queries

AUDIT = "audit"
Also = Callable[[Connection, Written], Awaitable[None]]
"""What shall be stored with a batch, in its transaction, whether any row of it is new or not."""


class PostgresAuditStore:
    """Writes batches.

    Looks first when the last batch had been seen before (a replay, a redelivery after a crash),
    else inserts first: a look is several times cheaper than a conflict, and useless for new rows.
    """

    def __init__(self, database: Database, schema: str = AUDIT) -> None:
        """`schema`: the audit's tables, or a sandbox's of the same names."""
        self._database = database
        self._schema = schema
        self._queries = _within(schema)
        self._look_first = False

    async def write(
        self, batch_id: UUID, candidates: Sequence[Candidate], also: Also | None = None
    ) -> Written:
        """Gate, rows, roots and chain number in one transaction."""
        first: dict[UUID, Candidate] = {}
        for candidate in candidates:
            first.setdefault(candidate.row.event_id, candidate)
        known = await self._digests(list(first)) if self._look_first and first else {}
        unseen = [candidate for id_, candidate in first.items() if id_ not in known]
        if not unseen and also is None:
            return _written(candidates, (), known)
        try:
            async with self._database.transaction() as connection:
                new, late = await self._passed(connection, unseen) if unseen else ((), {})
                written = _written(candidates, new, known | late)
                if also is not None:
                    await also(connection, written)
                if new:
                    await self._insert(connection, batch_id, [it.row for it in new])
        except DictError:
            raise
        except Exception as error:
            # A defect of ours is looked for as a bad value is: it buries its message alone.
            raise RowRefused(getattr(error, "sqlstate", type(error).__name__)) from error
        self._look_first = len(candidates) > 2 * len(new)
        return written

    async def _digests(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        rows = await self._database.fetch(self._queries["gate_digests"], (ids,))
        return {row["event_id"]: row["content_digest"] for row in rows}

    async def _passed(
        self, connection: Connection, candidates: Sequence[Candidate]
    ) -> tuple[Sequence[Candidate], dict[UUID, int]]:
        """Those that the gate let through, and the digests of those that it knew."""
        ids = [candidate.row.event_id for candidate in candidates]
        digests = [candidate.content_digest for candidate in candidates]
        (counted,) = await timed_fetch(connection, self._queries["gate_insert"], (ids, digests))
        if counted["passed"] == len(candidates):
            return candidates, {}
        rows = await timed_fetch(connection, self._queries["gate_stopped"], (ids,))
        known = {row["event_id"]: row["content_digest"] for row in rows}
        new = [it for it in candidates if it.row.event_id not in known]
        if len(new) != counted["passed"]:
            raise Unavailable(
                "gate-changed", "somebody took an id out of the gate meanwhile: again"
            )
        return new, known

    async def _insert(
        self, connection: Connection, batch_id: UUID, rows: Sequence[AuditRow]
    ) -> None:
        columns = [framed_columns(row) for row in rows]
        await connection.copy_to_table(
            "workflow_events",
            schema_name=self._schema,
            columns=COLUMNS,
            source=stream(copied(rows, columns, batch_id)),
            format="binary",
        )
        await self._prove(connection, batch_id, rows, columns)

    async def _prove(
        self,
        connection: Connection,
        batch_id: UUID,
        rows: Sequence[AuditRow],
        columns: Sequence[Columns],
    ) -> None:
        made = parts_of_columns(rows, columns)
        await timed_fetch(
            connection,
            self._queries["batch_parts_insert"],
            (
                batch_id,
                [part.month for part in made],
                [part.rows for part in made],
                [part.root for part in made],
            ),
        )
        # Locked last: holding the chain during the COPY would make every sink wait for it.
        await timed_fetch(connection, self._queries["chain_lock"])
        await timed_fetch(
            connection, self._queries["batch_insert"], (batch_id, len(rows), batch_root(made))
        )


def _within(schema: str) -> dict[str, Query]:
    """The statements, over the tables and the chain of a schema."""
    names = {f"{AUDIT}.": f"{schema}.", f"{AUDIT}-chain": f"{schema}-chain"}
    queries = {}
    for name, query in load_queries("audit_sink.adapters", "audit").items():
        sql = query.sql
        for ours, theirs in names.items():
            sql = sql.replace(ours, theirs)
        queries[name] = Query(name, sql)
    return queries


def _written(
    candidates: Sequence[Candidate], new: Sequence[Candidate], known: dict[UUID, int]
) -> Written:
    stands = known | {candidate.row.event_id: candidate.content_digest for candidate in new}
    reused = [it for it in candidates if stands[it.row.event_id] != it.content_digest]
    return Written(tuple(new), len(candidates) - len(new) - len(reused), tuple(reused))
