"""Tally in temporary tables: both sides stream into them, PostgreSQL subtracts them.

So memory does not grow with the window on our side, and spills to disk on PostgreSQL's; and nothing
is left behind, however the session ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from audit_sink.adapters.event_telling import place_at
from audit_sink.adapters.stored_rows import row_of
from audit_sink.adapters.written_payload import compared
from audit_sink.application.reconciliation import Counts, Gone, Stray
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import Columns
from audit_sink.domain.positions import Position
from audit_sink.domain.reconciliation import (
    Buried,
    Difference,
    Kind,
    Place,
    Told,
    Window,
    digest_of,
)
from dict_common.kernel.errors import Unavailable
from dict_common.store.database import open_connection
from dict_common.store.errors import AWAY, unavailable_when_away
from dict_common.store.queries import load_queries

STATEMENT_SECONDS_MAX = 3_600.0
"""A join of tens of millions of ids on a slow disk."""
CLOSE_SECONDS_MAX = 10.0
ROWS_AT_ONCE = 2_000
_SEARCH = load_queries("audit_sink.adapters", "search")
_QUERIES = load_queries("audit_sink.adapters", "reconcile") | {
    name: _SEARCH[name] for name in ("steady", "plan_by_index")
}
_COLUMNS = ", ".join(AuditRow._fields)
_PLACE = ("topic", "partition", "ledger", "entry", "batch")


class PostgresTally:
    """One connection, one window."""

    def __init__(
        self, connection: "asyncpg.Connection[Any]", letters_topic: str, *, content: bool
    ) -> None:
        """`letters_topic`: how connect.dead_letter_actions names the sink's dead letters."""
        self._connection = connection
        self._letters_topic = letters_topic
        self._content = content
        self._topics: dict[str, int] = {}
        self._one_at_once = asyncio.Lock()
        self._begun_at: datetime | None = None
        self._window: Window | None = None

    async def begin(self, window: Window) -> None:
        """Makes the tables."""
        self._window = window
        await self._execute("session")
        try:
            await self._execute("tables")
        except Unavailable as error:
            if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise
            raise Unavailable(
                "temporary-tables-refused",
                "this role may make no temporary tables here: a superuser runs dictctl db roles",
            ) from None
        ((self._begun_at,),) = await self._fetch("clock")

    async def add_letters(self, letters: Sequence[Buried]) -> None:
        """By COPY."""
        await self._copy(
            "letters", ("letter", *_PLACE), ((it.letter, *self._place(it.place)) for it in letters)
        )

    async def add_told(self, told: Sequence[Told]) -> None:
        """By COPY; several readers take turns."""
        await self._copy(
            "told",
            ("event_id", "happened_at", *_PLACE, "digest", "content"),
            (
                (it.event_id, it.happened_at, *self._place(it.place), it.digest, it.content)
                for it in told
            ),
        )

    async def take_rows(self, seen: Callable[[int], None]) -> None:
        """Inside the database, or through here where contents are digested."""
        async with _away_is_unavailable(), self._connection.transaction():
            await self._execute("steady")
            if not self._content:
                await self._execute("take", *self._bounds)
                return
            rows: list[tuple[object, ...]] = []
            async for row in self._connection.cursor(
                _with_columns("rows"),
                *self._bounds,
                prefetch=ROWS_AT_ONCE,
                timeout=STATEMENT_SECONDS_MAX,
            ):
                columns = compared(row_of(dict(row)))
                rows.append((row["event_id"], row["occurred_at"], digest_of(columns)))
                if len(rows) == ROWS_AT_ONCE:
                    await self._copy("taken", ("event_id", "occurred_at", "digest"), rows)
                    seen(len(rows))
                    rows = []
            await self._copy("taken", ("event_id", "occurred_at", "digest"), rows)

    async def compare(self, gone: Gone) -> Counts:
        """Message by message and row by row."""
        assert self._window is not None
        await self._execute("analyze")
        (counted,) = await self._fetch("counts")
        await self._execute("hold", self._letters_topic, self._begun_at)
        letters = {"open": 0, "redriven": 0, "under_way": 0, "discarded": 0}
        letters |= {row["state"]: row["letters"] for row in await self._fetch("letters_counts")}
        await self._execute("bury")
        await self._execute("suspect")
        await self._execute("analyze_suspects")
        await self._execute("clear_held")
        topic, since = self._letters_topic, self._window.published.since
        unseen = [row["message_id"] for row in await self._fetch("discarded_unseen", topic, since)]
        letters["gone"] = len(await self._fetch("clear_discarded", topic, list(await gone(unseen))))
        await self._execute("clear_same_content")
        await self._by_index("clear_elsewhere", *self._bounds)
        await self._execute("missing")
        await self._execute("twice")
        await self._execute("stray")
        return Counts(counted["messages"], counted["events"], counted["rows"], letters)

    async def strays(self, limit: int, skipped: int = 0) -> Sequence[Stray]:
        """With the place that each row's metadata names."""
        return [
            Stray(row["event_id"], row["occurred_at"], place_at(row["topic"], row["message_id"]))
            for row in await self._by_index("strays", limit, skipped)
        ]

    async def add_later(self, told: Sequence[Told]) -> None:
        """By COPY."""
        known = ((it.event_id, it.happened_at, it.digest) for it in told if it.event_id is not None)
        await self._copy("later", ("event_id", "happened_at", "digest"), known)

    async def settle(self) -> Mapping[Kind, int]:
        """What is left of the strays is told."""
        await self._execute("analyze_strays")
        await self._execute("settle")
        return {Kind(row["kind"]): row["differences"] for row in await self._fetch("kinds")}

    async def differences(self, limit: int) -> Sequence[Difference]:
        """Beside what the table knows of them."""
        names = {number: name for name, number in self._topics.items()}
        return [
            Difference(
                Kind(row["kind"]),
                row["event_id"],
                row["occurred_at"],
                None if row["topic"] is None else _place_of(names[row["topic"]], dict(row)),
                row["event_subtype"] or names.get(row["topic"]),
                row["workflow_id"],
            )
            for row in await self._by_index("differences", limit)
        ]

    async def columns(self, event_id: UUID, occurred_at: datetime) -> Columns | None:
        """Of the one row."""
        rows = await self._by_index("row", event_id, occurred_at)
        return compared(row_of(dict(rows[0]))) if len(rows) == 1 else None

    @property
    def _bounds(self) -> tuple[datetime, datetime]:
        assert self._window is not None
        return self._window.since, self._window.until

    def _place(self, place: Place) -> tuple[int, int, int, int, int]:
        number = self._topics.setdefault(place.topic, len(self._topics))
        return number, place.partition, *place.position

    async def _execute(self, name: str, *arguments: object) -> None:
        async with _away_is_unavailable():
            await self._connection.execute(
                _QUERIES[name].sql, *arguments, timeout=STATEMENT_SECONDS_MAX
            )

    async def _fetch(self, name: str, *arguments: object) -> "list[asyncpg.Record]":
        async with _away_is_unavailable():
            return await self._connection.fetch(
                _with_columns(name), *arguments, timeout=STATEMENT_SECONDS_MAX
            )

    async def _by_index(self, name: str, *arguments: object) -> "list[asyncpg.Record]":
        """A few rows out of the whole audit."""
        async with _away_is_unavailable(), self._connection.transaction():
            await self._fetch("plan_by_index")
            return await self._fetch(name, *arguments)

    async def _copy(
        self, table: str, columns: Sequence[str], records: Iterable[tuple[object, ...]]
    ) -> None:
        async with self._one_at_once, _away_is_unavailable():
            await self._connection.copy_records_to_table(
                table, columns=columns, records=records, timeout=STATEMENT_SECONDS_MAX
            )


@asynccontextmanager
async def tally(
    url: str, role: str, letters_topic: str, *, content: bool
) -> AsyncIterator[PostgresTally]:
    """A session of its own; its tables end with it. Raises Unavailable."""
    connection = await open_connection(url, role)
    try:
        yield PostgresTally(connection, letters_topic, content=content)
    finally:
        with contextlib.suppress(*AWAY):
            await connection.close(timeout=CLOSE_SECONDS_MAX)


def _away_is_unavailable() -> AbstractAsyncContextManager[None]:
    return unavailable_when_away("reconcile")


def _with_columns(name: str) -> str:
    return _QUERIES[name].sql.replace(":columns", _COLUMNS)


def _place_of(topic: str, row: Mapping[str, Any]) -> Place:
    return Place(topic, row["partition"], Position(row["ledger"], row["entry"], row["batch"]))
