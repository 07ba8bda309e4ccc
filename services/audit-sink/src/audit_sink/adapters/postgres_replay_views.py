"""What operators see of replays: their state, and a sandbox beside the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit_sink.adapters.postgres_replay_runs import sandbox_schema
from audit_sink.adapters.stored_rows import row_of
from audit_sink.adapters.written_payload import compared
from audit_sink.domain.audit_row import AuditRow
from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

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
        """Of one instant, row by row. Raises Unavailable."""
        schema = sandbox_schema(run["run_id"])
        span = (run["run_id"], self._events, run["published_from"], run["published_until"])
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(_STEADY.sql)
            try:
                rows = await connection.fetchval(
                    _over("replay_sandbox_rows", schema), timeout=COMPARE_SECONDS_MAX
                )
                found, differences = list[Row](), 0
                for name, given in (("replay_compare_mine", ()), ("replay_compare_live", span)):
                    async for row in connection.cursor(
                        _over(name, schema), *given, prefetch=1_000, timeout=COMPARE_SECONDS_MAX
                    ):
                        difference = _difference(row)
                        if difference is None:
                            continue
                        differences += 1
                        if len(found) < limit:
                            found.append(_named(row) | {"difference": difference})
            except TimeoutError as error:
                raise Unavailable("compare-slow", "took more than an hour") from error
        return Compared(rows, differences, found)


def _difference(row: Any) -> str | None:
    """None where the rows differ by no more than the releases that stored them."""
    if "there" not in row:
        return "only-in-audit"
    if not row["there"]:
        return "only-in-sandbox"
    mine, live = (
        compared(row_of({name: row[f"{table}_{name}"] for name in AuditRow._fields}))
        for table in ("mine", "live")
    )
    return None if mine == live else "differs"


def _named(row: Any) -> Row:
    return {name: row[name] for name in ("event_id", "occurred_at", "event_subtype")}


def _over(name: str, schema: str) -> str:
    sql = _QUERIES[name].sql.replace(":sandbox", schema)
    for table in ("mine", "live"):
        columns = ", ".join(f"{table}.{it} AS {table}_{it}" for it in AuditRow._fields)
        sql = sql.replace(f":compared_{table}", _compared(table)).replace(f":{table}", columns)
    return sql


def _compared(table: str) -> str:
    """The columns that are compared, of one of two tables."""
    names = [name for name in AuditRow._fields if name not in {"event_id", "metadata"}]
    where_found = f"{table}.metadata - 'message_id' - 'published_at'"
    return ", ".join((*(f"{table}.{name}" for name in names), where_found))


def _dicts(rows: Sequence[Any]) -> list[Row]:
    return [dict(row) for row in rows]
