"""Which PostgreSQL errors mean "away" and which mean "wrong"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dict_common.kernel.errors import Unavailable

AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""The statement may be repeated: nothing is wrong with it. After a lost connection its outcome
is unknown, hence every writer of ours is idempotent."""


@asynccontextmanager
async def unavailable_when_away(what: str) -> AsyncIterator[None]:
    """Turns the errors above into Unavailable; all others pass."""
    try:
        yield
    except AWAY as error:
        raise Unavailable("postgres-away", f"{what}: {type(error).__name__}") from error
