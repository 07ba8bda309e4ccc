"""Out of messages what reconciling compares: the envelope alone, or the whole row's digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.written_payload import compared
from audit_sink.domain.evidence import Columns
from audit_sink.domain.positions import Position
from audit_sink.domain.reconciliation import Place, Told, Window, digest_of
from dict_common.bus.incoming import Incoming
from dict_common.kernel.clock import from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.letter_ids import LetterId


class EventTelling:
    """`decoder`: where contents are compared; without one no body is looked at."""

    def __init__(self, decoder: EventDecoder | None) -> None:
        self._decoder = decoder

    async def told(self, messages: Sequence[Incoming], window: Window | None) -> Sequence[Told]:
        """Those of the window, or all, in their order."""
        wanted = [
            (message, happened_at)
            for message in messages
            for happened_at in (_happened_at(message.properties),)
            if window is None or window.counts(happened_at, message.published_at)
        ]
        told = [
            Told(_event_id(message.properties), happened_at, place_of(message))
            for message, happened_at in wanted
        ]
        if self._decoder is None or not wanted:
            return told
        decoded = await self._decoder.decode([message for message, _ in wanted])
        for it in decoded.candidates:
            digest = digest_of(compared(it.row))
            told[it.place] = told[it.place]._replace(digest=digest, content=it.content_digest)
        return told

    async def columns(self, message: Incoming) -> Columns | None:
        """The compared columns of its row."""
        if self._decoder is None:
            return None
        decoded = await self._decoder.decode([message])
        return compared(decoded.candidates[0].row) if decoded.candidates else None


def place_of(message: Incoming) -> Place:
    """Where it lies."""
    position = Position.parse(message.message_id)
    return Place(message.topic.rpartition("/")[2], message.partition, position)


def place_at(topic: str | None, message_id: str | None) -> Place | None:
    """By full topic and message id as somebody wrote them down; None for what is no place."""
    try:
        id_ = LetterId.parse(message_id or "")
    except InputRefused:
        return None
    position = Position(id_.ledger, id_.entry, id_.batch)
    return Place((topic or "").rpartition("/")[2], id_.partition, position)


def _event_id(properties: Mapping[str, str]) -> UUID | None:
    """As the envelope reads it, but alone: a message with other faults still says who it is."""
    try:
        return UUID(properties.get("ce_id", ""))
    except ValueError:
        return None


def _happened_at(properties: Mapping[str, str]) -> datetime | None:
    return from_rfc3339(properties.get("ce_time", ""))
