"""RunInbox over PostgreSQL."""

from dict_common.ports.inbox import InboxKey
from dict_common.store.inbox import PostgresCommandInbox, first


class PostgresRunInbox(PostgresCommandInbox):
    """Commands that change no table of ours: what they ask for is Temporal's."""

    async def take(self, command: InboxKey) -> None:
        """Opens the row, or finds it. Raises InputRefused `command-id-reused`."""
        async with self._database.transaction() as connection:
            await first(connection, command)
