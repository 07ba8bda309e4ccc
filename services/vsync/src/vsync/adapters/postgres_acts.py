"""Acts over PostgreSQL: the outbox alone."""

from collections.abc import Sequence

from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Database


class PostgresActs:
    """Adds events that open an aggregate of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, events: Sequence[OutgoingEvent]) -> None:
        """One transaction. Raises Unavailable."""
        async with self._database.transaction() as connection:
            await outbox.insert(connection, events, 0)
