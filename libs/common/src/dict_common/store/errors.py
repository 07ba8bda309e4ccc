"""Which PostgreSQL errors mean "try again" and which mean "this value is wrong"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dict_common.kernel.errors import Unavailable

AWAY = (OSError, asyncio.TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError)
"""The statement may be repeated. After a lost connection its outcome is unknown, hence every writer
of ours is idempotent. A missing table or grant is here too: it is repaired by an operator, and no
message is at fault."""

OF_THE_DATA = (
    asyncpg.DataError,
    asyncpg.exceptions._base.DataError,  # the client's own: it could not encode the value
    asyncpg.IntegrityConstraintViolationError,
)
"""The value itself is refused: repeating it would not help."""


@asynccontextmanager
async def unavailable_when_away(what: str) -> AsyncIterator[None]:
    """Turns what may be repeated into Unavailable; errors of the data pass, and so does the end of
    a task: on its way out the client may run into trouble of its own, which is no outage."""
    try:
        yield
    except OF_THE_DATA:
        raise
    except AWAY as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise Unavailable("postgres-failed", f"{what}: {type(error).__name__}: {error}") from error
