"""What operators see of replays: their state, and a sandbox beside the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit_sink.adapters.postgres_replay_runs import sandbox_schema
from audit_sink.domain.audit_row import AuditRow
from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Database
from dict_common.store.queries import Query, load_queries

COMPARE_SECONDS_MAX = 3_600.0

Row = dict[str, Any]

_QUERIES = load_queries("audit_sink.adapters", "replay_views")
_STEADY = load_queries("audit_sink.adapters", "search")["steady"]


@dataclass(frozen=True)
class Compared:
    """A sandbox beside the audit. `found`: the first of the `differences`."""

    rows: int
    differences: int
    found: Sequence[Row]


class PostgresReplayViews:
    """As operator_ro."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._events = f"persistent://{tenant}/events/"

    async def runs(self, run_id: UUID | None, limit: int) -> list[Row]:
        """The newest runs, oldest first; or one."""
        return _dicts(await self._database.fetch(_QUERIES["replays"], (run_id, limit)))

    async def spans(self, run_id: UUID) -> list[Row]:
        """Of a run."""
        return _dicts(await self._database.fetch(_QUERIES["replay_spans"], (run_id,)))

    async def refusals(self, run_id: UUID, limit: int) -> list[Row]:
        """Messages that were no row, by their place."""
        return _dicts(await self._database.fetch(_QUERIES["replay_refusals"], (run_id, limit)))

    async def entries_per_second(self, *, sandbox: bool) -> float | None:
        """How fast the last replays of that kind were; None if there was none."""
        row = await self._database.fetch_row(_QUERIES["replay_rate"], (sandbox,))
        found = row["entries_per_second"] if row else None
        return None if found is None else float(found)

    async def compare(self, run: Row, limit: int) -> Compared:
        """Of one instant. Raises Unavailable."""
        published = (run["published_from"], run["published_until"])
        schema = sandbox_schema(run["run_id"])
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(_STEADY.sql)
            try:
                counted = await connection.fetchval(
                    _over("replay_sandbox_rows", schema).sql, timeout=COMPARE_SECONDS_MAX
                )
                found = await connection.fetch(
                    _over("replay_compare", schema).sql,
                    *(run["run_id"], self._events, *published, limit),
                    timeout=COMPARE_SECONDS_MAX,
                )
            except TimeoutError as error:
                raise Unavailable("compare-slow", "took more than an hour") from error
        return Compared(counted, found[0]["differences"] if found else 0, _dicts(found))


def _over(name: str, schema: str) -> Query:
    marks = {":sandbox": schema, ":mine": _columns("mine"), ":live": _columns("live")}
    sql = _QUERIES[name].sql
    for mark, text in marks.items():
        sql = sql.replace(mark, text)
    return Query(name, sql)


def _columns(table: str) -> str:
    """Those that are compared, of one of two tables."""
    names = [name for name in AuditRow._fields if name not in {"event_id", "metadata"}]
    where_found = f"{table}.metadata - 'message_id' - 'published_at'"
    return ", ".join((*(f"{table}.{name}" for name in names), where_found))


def _dicts(rows: Sequence[Any]) -> list[Row]:
    return [dict(row) for row in rows]
