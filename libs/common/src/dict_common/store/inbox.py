"""The inbox: a command is done once, however often it arrives.

Every function works on the caller's connection, so that the inbox row commits with the state.
"""

from datetime import timedelta

from dict_common.ports.inbox import InboxKey, Seen
from dict_common.store.database import Connection, timed_fetch
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
