"""LetterActions over PostgreSQL: request, actions and events commit together."""

from collections.abc import Sequence
from uuid import UUID

from audit_sink.application.desk_ports import Taking
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LetterId
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import Connection, timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first
from dict_common.store.letter_actions import actions_on, letters_of
from dict_common.store.queries import load_queries
from dict_common.telemetry import metrics

_QUERIES = load_queries("audit_sink.adapters", "letters")


class PostgresLetterActions(PostgresCommandInbox):
    """In the role that may not touch the audit."""

    async def acted_on(self, service: str, letters: Sequence[LetterId]) -> frozenset[LetterId]:
        """Which of them have an action."""
        return frozenset(await actions_on(self._database, service, letters))

    async def take(
        self, request: InboxKey, taking: Taking | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """One transaction."""
        async with self._database.transaction() as connection:
            if not await first(connection, request):
                return
            if taking is not None:
                await _insert(connection, request.command_id, taking)
            await outbox.insert(connection, events, version_before=0)
        if taking is not None:
            metrics.letters_acted_on.labels(taking.service, taking.action).inc(len(taking.letters))

    async def waiting(self, request_id: UUID) -> list[LetterId]:
        """In their order."""
        rows = await self._database.fetch(_QUERIES["letters_waiting"], (request_id,))
        return [LetterId.parse(row["message_id"]) for row in rows]

    async def done(self, service: str, letter: LetterId, outcome: str) -> None:
        """Once."""
        noted = await self._database.fetch(
            _QUERIES["letters_done"], (letters_of(service), str(letter), outcome)
        )
        metrics.letters_redriven.labels(service, outcome).inc(len(noted))

    async def counts(self) -> dict[str, int]:
        """How many wait to go back, by the name of their topic; those with none are left out."""
        rows = await self._database.fetch(_QUERIES["letters_counts"])
        return {row["topic"]: row["waiting"] for row in rows}


async def _insert(connection: Connection, request_id: UUID, taking: Taking) -> None:
    taken = await timed_fetch(
        connection,
        _QUERIES["letters_take"],
        (
            letters_of(taking.service),
            taking.action,
            taking.operator,
            taking.reason,
            request_id,
            "discarded" if taking.action == "discard" else None,
            [str(letter.id) for letter in taking.letters],
            [letter.event_id for letter in taking.letters],
        ),
    )
    if len(taken) < len(taking.letters):
        raise Unavailable("letters-taken", "another request took some of them meanwhile: again")
