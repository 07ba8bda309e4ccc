"""A pool of PostgreSQL connections for one role, and statements that know their names."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import asyncpg

from dict_common.store.errors import unavailable_when_away
from dict_common.store.queries import Query
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger

SLOW_SECONDS = 0.1
CONNECTION_SECONDS_MAX = 3_600.0
IDLE_SECONDS_MAX = 1_800.0
STATEMENT_SECONDS_MAX = 30.0
CONNECT_SECONDS_MAX = 10.0

_log = logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
Row = asyncpg.Record


@dataclass(frozen=True)
class PoolSize:
    """How many connections, at least and at most."""

    connections_min: int
    connections_max: int


async def open_connection(url: str, role: str) -> "asyncpg.Connection[Any]":
    """One connection outside any pool. Raises Unavailable.

    The password comes from PGPASSFILE, as with every libpq program.
    """
    async with unavailable_when_away(f"connect as {role}"):
        connection = await asyncpg.connect(
            url,
            user=role,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=STATEMENT_SECONDS_MAX,
            server_settings={"application_name": role, "timezone": "UTC"},
        )
    await prepare(connection)
    return connection


async def prepare(connection: "asyncpg.Connection[Any]") -> None:
    """JSONB columns as Python values, in the binary format, which COPY needs too."""
    await connection.set_type_codec(
        "jsonb", encoder=_jsonb, decoder=_from_jsonb, schema="pg_catalog", format="binary"
    )


_JSONB_VERSION = b"\x01"


def _jsonb(value: object) -> bytes:
    return _JSONB_VERSION + json.dumps(value, ensure_ascii=False).encode()


def _from_jsonb(data: bytes) -> object:
    return json.loads(data[1:])


class _PooledConnection(asyncpg.Connection):
    """Given back without a statement of its own: nothing of ours leaves a session's state behind
    (locks are the transaction's; the relay's lock has a connection outside any pool). A
    transaction that was left open is still rolled back."""

    def get_reset_query(self) -> str:
        """None: it would cost every statement a second round trip."""
        return ""


class Database:
    """Runs named queries. Raises Unavailable when PostgreSQL is away; other errors pass."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._renew_at = time.monotonic() + CONNECTION_SECONDS_MAX

    @classmethod
    async def open(
        cls, url: str, role: str, size: PoolSize, session: Mapping[str, str] | None = None
    ) -> Self:
        """A pool for one role; `session`: PostgreSQL's settings beside ours. Raises Unavailable."""
        async with unavailable_when_away(f"open a pool as {role}"):
            pool = await asyncpg.create_pool(
                url,
                user=role,
                min_size=size.connections_min,
                max_size=size.connections_max,
                max_inactive_connection_lifetime=IDLE_SECONDS_MAX,
                timeout=CONNECT_SECONDS_MAX,
                command_timeout=STATEMENT_SECONDS_MAX,
                init=prepare,
                connection_class=_PooledConnection,
                server_settings={
                    "application_name": role,
                    "timezone": "UTC",
                    **(session or {}),
                },
            )
        return cls(pool)

    async def close(self) -> None:
        """Waits for statements in flight, then closes."""
        await self._pool.close()

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers."""
        await self.fetch_row(Query("ping", "SELECT 1"), ())

    async def fetch(self, query: Query, arguments: Sequence[object] = ()) -> list[Row]:
        """All rows."""
        async with self.connection() as connection:
            return await timed_fetch(connection, query, arguments)

    async def fetch_row(self, query: Query, arguments: Sequence[object] = ()) -> Row | None:
        """The first row, if any."""
        rows = await self.fetch(query, arguments)
        return rows[0] if rows else None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool for the block."""
        await self._retire()
        async with unavailable_when_away("PostgreSQL"), self._pool.acquire() as connection:
            metrics.pool_size.set(self._pool.get_size())
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _retire(self) -> None:
        """Connections older than an hour are replaced: a failover or new DNS answer is followed."""
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + CONNECTION_SECONDS_MAX
            await self._pool.expire_connections()


async def timed_fetch(
    connection: Connection, query: Query, arguments: Sequence[object] = ()
) -> list[Row]:
    """Runs a named query on a connection; over 100 ms it is logged and counted by its name."""
    start = time.perf_counter()
    try:
        return await connection.fetch(query.sql, *arguments)
    finally:
        seconds = time.perf_counter() - start
        if seconds > SLOW_SECONDS:
            metrics.statement_slow.labels(query.name).inc()
            _log.warning("statement-slow", query=query.name, milliseconds=round(seconds * 1000))
