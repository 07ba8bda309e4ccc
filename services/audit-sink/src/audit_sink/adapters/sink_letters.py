"""The sink's own dead letters by the places of what they hold. Nothing is opened."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

import pulsar.asyncio

from audit_sink.adapters.event_telling import place_at
from audit_sink.domain.reconciliation import Buried
from dict_common.bus.incoming import Incoming
from dict_common.bus.letters import Letters
from dict_common.kernel.letter_ids import LetterId

LETTERS_AT_ONCE = 1_000


class PulsarSinkLetters:
    """The letters of one service, of messages of one tenant's events."""

    def __init__(self, client: pulsar.asyncio.Client, tenant: str, service: str) -> None:
        self._letters = Letters(client, tenant, service)
        self._events = f"persistent://{tenant}/events/"

    @property
    def cut_off(self) -> Sequence[str]:
        """Partitions that end in half a letter."""
        return self._letters.cut_off

    async def close(self) -> None:
        """Lets go."""
        await self._letters.close()

    async def gone(self, letters: Sequence[str]) -> Sequence[str]:
        """Looked for one by one, in their order."""
        wanted = sorted(
            map(LetterId.parse, letters), key=lambda it: (it.partition, it.ledger, it.entry)
        )
        return [str(it) for it in wanted if await self._letters.find(it) is None]

    async def walk(self, since: datetime) -> AsyncGenerator[Sequence[Buried], None]:
        """At most 1,000 at once."""
        found: list[Buried] = []
        async with aclosing(self._letters.walk(since)) as walk:
            async for letter in walk:
                if (buried := self._buried(letter)) is not None:
                    found.append(buried)
                if len(found) == LETTERS_AT_ONCE:
                    yield found
                    found = []
        if found:
            yield found

    def _buried(self, letter: Incoming) -> Buried | None:
        """None for what is no event's: a redrive that could not be opened, a stranger's letter."""
        clear = letter.properties
        topic = clear.get("dict_origintopic", "")
        place = place_at(topic, clear.get("dict_originid"))
        if place is None or not topic.startswith(self._events):
            return None
        return Buried(letter.message_id, place)
