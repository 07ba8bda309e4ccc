"""ReplayOrders over PostgreSQL: request, replay and events commit together."""

from collections.abc import Sequence
from uuid import UUID

from audit_sink.application.replay_desk import Change, Known, Replay, require_room
from audit_sink.domain.replay import Sandbox, State
from dict_common.kernel.errors import Unavailable
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first
from dict_common.store.queries import load_queries

_QUERIES = load_queries("audit_sink.adapters", "replay_orders")


class PostgresReplayOrders(PostgresCommandInbox):
    """In the desk's role."""

    async def known(self, run_id: UUID) -> Known | None:
        """The replay of that id."""
        row = await self._database.fetch_row(_QUERIES["replay_known"], (run_id,))
        if row is None:
            return None
        sandbox = row["sandbox_state"]
        return Known(State(row["state"]), Sandbox(sandbox) if sandbox else None)

    async def active(self) -> int:
        """How many have not ended."""
        row = await self._database.fetch_row(_QUERIES["replays_active"])
        assert row is not None
        return int(row["active"])

    async def begin(
        self,
        request: InboxKey,
        replay: Replay | None,
        asked_by: tuple[str, str],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """One transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, request):
                return
            if replay is not None:
                await timed_fetch(connection, _QUERIES["replays_lock"])
                (counted,) = await timed_fetch(connection, _QUERIES["replays_active"])
                require_room(counted["active"])
                since, until = replay.published.since, replay.published.until
                what = (list(replay.topics), since, until, replay.sandbox)
                await timed_fetch(
                    connection, _QUERIES["replay_begin"], (request.command_id, *asked_by, *what)
                )
            await outbox.insert(connection, events, version_before=0)

    async def change(
        self, request: InboxKey, change: Change | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """One transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, request):
                return
            if change is not None:
                before, after = change.before, change.after
                states = (before.state, before.sandbox, after.state, after.sandbox)
                if not await timed_fetch(
                    connection, _QUERIES["replay_change"], (change.run_id, *states)
                ):
                    raise Unavailable("replay-moved", f"{change.run_id} moved meanwhile: again")
            await outbox.insert(connection, events, version_before=0)
