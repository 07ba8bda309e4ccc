"""AuditSearch over PostgreSQL, as a role that may only read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple
from datetime import datetime, timedelta
from uuid import UUID

from audit_sink.application.audit_search import AfterUnknown, Row, SearchTooSlow
from audit_sink.domain.criteria import Criteria, backwards, forwards
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.queries import Query, load_queries

COLUMNS = (
    *("event_id", "occurred_at", "event_type", "event_subtype", "source"),
    *("aggregate_type", "aggregate_id", "aggregate_sequence", "workflow_type", "workflow_id"),
    *("workflow_run_id", "correlation_id", "participant_ispb", "user_id"),
    *("event_payload", "metadata"),
)
STREAM_ROWS = 2_000
STREAM_SECONDS_MAX = 900.0
BATCHES_AT_ONCE = 5
"""Of at most a few thousand rows each."""
_MICROSECOND = timedelta(microseconds=1)


def _composed(queries: Mapping[str, Query]) -> dict[str, Query]:
    parts = {":matching": f"({queries['matching'].sql})", ":columns": ", ".join(COLUMNS)}
    composed = {}
    for name, query in queries.items():
        sql = query.sql
        for mark, text in parts.items():
            sql = sql.replace(mark, text)
        composed[name] = Query(name, sql)
    return composed


QUERIES = _composed(load_queries("audit_sink.adapters", "search"))


class PostgresAuditSearch:
    """Reads in transactions of one snapshot each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(
        self, criteria: Criteria, limit: int, after: UUID | None, now: datetime
    ) -> Sequence[Row]:
        """A page."""
        async with self._snapshot() as connection:
            place = await _place(connection, after)
            if criteria.one_aggregate:
                return await _fetch(connection, "by_sequence", criteria, after, limit)
            return await _newest(connection, criteria, limit, place, now)

    async def last(
        self, criteria: Criteria, count: int, now: datetime
    ) -> tuple[Sequence[Row], int]:
        """The newest and the chain's head, of one snapshot."""
        async with self._snapshot() as connection:
            head = await _head(connection)
            rows = await _newest(connection, criteria, count, None, now) if count else []
            return rows[::-1], head

    async def following(self, criteria: Criteria, chain_no: int) -> tuple[Sequence[Row], int]:
        """What fits in the next batches."""
        async with self._snapshot() as connection:
            batches = await timed_fetch(
                connection, QUERIES["next_batches"], (chain_no, BATCHES_AT_ONCE)
            )
            if not batches:
                return (), chain_no
            ids = [batch["batch_id"] for batch in batches]
            rows = await _fetch(connection, "of_batches", criteria, ids)
            return rows, batches[-1]["chain_no"]

    async def chain_head(self) -> int:
        """The last committed batch's chain number."""
        async with self._database.connection() as connection:
            return await _head(connection)

    @asynccontextmanager
    async def stream(self, criteria: Criteria) -> AsyncIterator[AsyncIterator[Sequence[Row]]]:
        """Pieces of at most 2,000 rows."""
        async with self._snapshot(whole=True) as connection:
            months = {row["month"] for row in await timed_fetch(connection, QUERIES["months"])}

            async def pieces() -> AsyncIterator[Sequence[Row]]:
                for part in forwards(criteria, months):
                    async for piece in _pieces(connection, part):
                        yield piece

            yield pieces()

    @asynccontextmanager
    async def _snapshot(self, *, whole: bool = False) -> AsyncIterator[Connection]:
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(QUERIES["steady"].sql)
            await timed_fetch(connection, QUERIES["plan_anew"])
            if not whole:
                await timed_fetch(connection, QUERIES["plan_by_index"])
            yield connection


Place = tuple[datetime, UUID]


async def _pieces(connection: Connection, criteria: Criteria) -> AsyncIterator[list[Row]]:
    """By iteration, which closes its cursor at the end: an open one keeps what it has sorted."""
    rows: list[Row] = []
    async for row in connection.cursor(
        QUERIES["oldest"].sql,
        *astuple(criteria),
        prefetch=STREAM_ROWS,
        timeout=STREAM_SECONDS_MAX,
    ):
        rows.append(dict(row))
        if len(rows) == STREAM_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


async def _newest(
    connection: Connection, criteria: Criteria, limit: int, place: Place | None, now: datetime
) -> list[Row]:
    """Window by window, until there are enough."""
    asked = criteria
    if place is not None:
        if criteria.since is not None and criteria.since > place[0]:
            return []
        until = place[0] + _MICROSECOND
        asked = criteria.within(
            criteria.since, min(until, criteria.until) if criteria.until else until
        )
    found: list[Row] = []
    for part in backwards(asked, now):
        given = (*(place or (None, None)), limit - len(found))
        found += await _fetch(connection, "newest", part, *given)
        if len(found) >= limit:
            break
    return found


async def _place(connection: Connection, after: UUID | None) -> Place | None:
    if after is None:
        return None
    rows = await timed_fetch(connection, QUERIES["place"], (after,))
    if not rows:
        raise AfterUnknown(str(after))
    return rows[0]["occurred_at"], rows[0]["event_id"]


async def _head(connection: Connection) -> int:
    ((head,),) = await timed_fetch(connection, QUERIES["chain_head"])
    return int(head)


async def _fetch(connection: Connection, name: str, criteria: Criteria, *more: object) -> list[Row]:
    try:
        rows = await timed_fetch(connection, QUERIES[name], (*astuple(criteria), *more))
    except TimeoutError as error:
        raise SearchTooSlow from error
    return [dict(row) for row in rows]
