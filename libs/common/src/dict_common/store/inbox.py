"""The inbox: a command is done once, however often it arrives.

Every function works on the caller's connection, so that the inbox row commits with the state.
"""

from collections.abc import Sequence
from datetime import timedelta

from dict_common.ports.inbox import InboxKey, Seen, command_id_reused
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Connection, Database, timed_fetch
from dict_common.store.queries import load_queries

_QUERIES = load_queries("dict_common.store", "inbox")


async def look_up(connection: Connection, key: InboxKey) -> tuple[Seen, bytes]:
    """What is known, and the fingerprint that the command's row has or shall have."""
    rows = await timed_fetch(connection, _QUERIES["inbox_seen"], (key.consumer, key.command_id))
    for row in rows:
        if row["fingerprint"] in key.fingerprints:
            known = Seen.OPEN if row["outcome"] is None else Seen.SETTLED
            return known, row["fingerprint"]
    return (Seen.OTHER_CONTENT if rows else Seen.NEW), key.fingerprints[0]


async def lock(connection: Connection, key: InboxKey) -> None:
    """Waits for whoever handles a command of this id now. Only inside a transaction."""
    await timed_fetch(connection, _QUERIES["inbox_lock"], (key.consumer, key.command_id))


async def insert(connection: Connection, key: InboxKey, outcome: str | None) -> bool:
    """Adds the row; False if another process was first."""
    rows = await timed_fetch(
        connection,
        _QUERIES["inbox_insert"],
        (key.consumer, key.command_id, key.fingerprints[0], outcome),
    )
    return bool(rows)


async def settle(connection: Connection, key: InboxKey, outcome: str) -> None:
    """Sets the outcome of an open row; a settled one stays as it is."""
    for fingerprint in key.fingerprints:
        await timed_fetch(
            connection,
            _QUERIES["inbox_settle"],
            (key.consumer, key.command_id, fingerprint, outcome),
        )


async def purge(connection: Connection, kept: timedelta, rows_max: int) -> int:
    """Removes settled rows older than `kept`, at most so many; answers how many."""
    return len(await timed_fetch(connection, _QUERIES["inbox_purge"], (kept, rows_max)))


async def first(connection: Connection, key: InboxKey) -> bool:
    """Opens the command's row (outcome NULL); False if it is there. Only inside a transaction.

    Raises InputRefused `command-id-reused`.
    """
    await lock(connection, key)
    seen, _ = await look_up(connection, key)
    if seen is Seen.OTHER_CONTENT:
        raise command_id_reused()
    return await insert(connection, key, None)


class PostgresCommandInbox:
    """CommandInbox over PostgreSQL; a service's own intake adds what it accepts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows of the command."""
        async with self._database.connection() as connection:
            known, _ = await look_up(connection, command)
            return known

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """Marks the hand-over as done."""
        async with self._database.connection() as connection:
            await settle(connection, command, outcome)

    async def purge(self, kept: timedelta, rows_max: int) -> int:
        """Removes settled rows older than `kept`, at most so many; answers how many."""
        async with self._database.connection() as connection:
            return await purge(connection, kept, rows_max)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Stores the rejection and its events, once."""
        async with self._database.transaction() as connection:
            if await insert(connection, command, f"rejected:{reason_code}"):
                await outbox.insert(connection, events, version_before=0)
