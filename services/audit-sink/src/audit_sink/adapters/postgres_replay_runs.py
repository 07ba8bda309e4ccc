"""ReplayRuns over PostgreSQL, in a role that inserts as the sink does and publishes nothing."""

from collections.abc import Sequence
from uuid import UUID

from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.application.ports import Poison, Written
from audit_sink.application.replay_piece import Step
from audit_sink.application.replay_ports import Run, TakenAway
from audit_sink.application.write_batch import reused
from audit_sink.domain.positions import Position, Published, Span
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import IdSource
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.queries import load_queries

REFUSALS_MAX = 1_000
"""Kept of each partition; all are counted."""
DETAIL_CHARACTERS_MAX = 500

_QUERIES = load_queries("audit_sink.adapters", "replays")


def sandbox_schema(run_id: UUID) -> str:
    """The schema of a run's sandbox, as audit.sandbox_make names it."""
    return f"replay_{run_id.hex}"


class PostgresReplayRuns:
    """One for a process; a store for each run that it has met."""

    def __init__(self, database: Database, new_id: IdSource) -> None:
        self._database = database
        self._new_id = new_id
        self._stores: dict[UUID, PostgresAuditStore] = {}

    async def claim(self, holder: UUID) -> Run | None:
        """By the row, so that of several replayers one has it."""
        row = await self._database.fetch_row(_QUERIES["replay_claim"], (holder,))
        if row is None:
            return None
        published = Published(row["published_from"], row["published_until"])
        topics = tuple(row["topics"])
        return Run(row["run_id"], holder, topics, published, row["sandbox"], row["planned"])

    async def hold(self, run: Run, seconds: float, waits_for: str | None) -> None:
        """Half a minute more."""
        arguments = (run.id, run.holder, seconds, waits_for and _plain(waits_for))
        if not await self._database.fetch(_QUERIES["replay_hold"], arguments):
            raise TakenAway

    async def release(self, run: Run) -> None:
        """Nothing, if another has it."""
        self._stores.pop(run.id, None)
        await self._database.fetch(_QUERIES["replay_release"], (run.id, run.holder))

    async def plan(self, run: Run, spans: Sequence[Span]) -> None:
        """Spans and sandbox in one transaction."""
        async with self._database.transaction() as connection:
            if run.sandbox:
                await timed_fetch(connection, _QUERIES["replay_sandbox_make"], (run.id,))
            if not await timed_fetch(connection, _QUERIES["replay_plan"], (run.id, run.holder)):
                raise TakenAway
            columns = (
                [span.topic for span in spans],
                [span.partition for span in spans],
                [str(span.first) for span in spans],
                [str(span.last) for span in spans],
                [span.entries for span in spans],
                [span.bytes for span in spans],
            )
            await timed_fetch(connection, _QUERIES["replay_spans_insert"], (run.id, *columns))

    async def open_spans(self, run: Run) -> list[Span]:
        """Those that are not done."""
        rows = await self._database.fetch(_QUERIES["replay_spans_open"], (run.id,))
        return [
            Span(
                row["topic"],
                row["partition"],
                Position.parse(row["first"]),
                Position.parse(row["last"]),
                row["entries"],
                row["bytes"],
            )
            for row in rows
        ]

    async def position(self, run: Run, span: Span) -> Position | None:
        """How far a span is."""
        key = (run.id, span.topic, span.partition)
        row = await self._database.fetch_row(_QUERIES["replay_position"], key)
        return Position.parse(row["position"]) if row and row["position"] else None

    async def apply(self, run: Run, step: Step) -> None:
        """The sink's own transaction, with the checkpoint in it."""

        async def checkpoint(connection: Connection, written: Written) -> None:
            poison = (*step.poison, *map(reused, written.reused))
            counts = (
                step.entries,
                step.messages,
                step.outside,
                len(written.new),
                written.duplicates,
                len(poison),
            )
            key = (run.id, run.holder, step.span.topic, step.span.partition)
            places = (step.before and str(step.before), str(step.position))
            moved = await timed_fetch(connection, _QUERIES["replay_step"], (*key, *places, *counts))
            if not moved:
                raise TakenAway
            kept = poison[: max(0, REFUSALS_MAX - moved[0]["refused_before"])]
            if kept:
                await _keep(connection, run, step, kept)

        await self._store(run).write(self._new_id(), step.candidates, checkpoint)

    async def span_done(self, run: Run, span: Span) -> None:
        """It was read to its end."""
        key = (run.id, run.holder, span.topic, span.partition)
        if not await self._database.fetch(_QUERIES["replay_span_done"], key):
            raise TakenAway

    async def complete(self, run: Run) -> None:
        """If all spans are done, so is the run."""
        if not await self._database.fetch(_QUERIES["replay_complete"], (run.id, run.holder)):
            raise TakenAway

    async def drop_sandboxes(self) -> int:
        """Each in a transaction of its own: one that somebody reads holds up no other."""
        rows = await self._database.fetch(_QUERIES["replay_sandboxes_to_drop"])
        troubles: list[Unavailable] = []
        for row in rows:
            try:
                await self._drop(row["run_id"])
            except Unavailable as trouble:
                troubles.append(trouble)
        if troubles:
            raise troubles[-1]
        return len(rows)

    async def _drop(self, run_id: UUID) -> None:
        async with self._database.transaction() as connection:
            for query in ("replay_sandbox_drop", "replay_sandbox_dropped"):
                await timed_fetch(connection, _QUERIES[query], (run_id,))

    def _store(self, run: Run) -> PostgresAuditStore:
        schema = sandbox_schema(run.id) if run.sandbox else "audit"
        return self._stores.setdefault(run.id, PostgresAuditStore(self._database, schema))


async def _keep(connection: Connection, run: Run, step: Step, poison: Sequence[Poison]) -> None:
    await timed_fetch(
        connection,
        _QUERIES["replay_refusals_insert"],
        (
            run.id,
            step.span.topic,
            step.span.partition,
            [step.message_ids[it.place] for it in poison],
            [it.error.reason_code for it in poison],
            [_plain(it.error.detail) for it in poison],
        ),
    )


def _plain(detail: str) -> str:
    """What a stranger's message has put into it must not make it a row of its own refusal."""
    return detail.replace("\x00", "").encode(errors="replace").decode()[:DETAIL_CHARACTERS_MAX]
