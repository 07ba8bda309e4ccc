"""Events on their way out: rows of the outbox, and whoever puts them on a topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.kernel.envelope import Envelope


@dataclass(frozen=True)
class OutgoingEvent:
    """An event to be written with the state that it tells of.

    `topic` is `namespace/name`; `payload` is the Avro body, personal data sealed; `ordinal` is the
    place among the events of one statement, from 1: `ce_sequence` = version before + ordinal.
    A copy for Core has the ordinal of its event. `apart`: it belongs to another aggregate than the
    statement's, which it opens: `ce_sequence` = ordinal.
    """

    topic: str
    key: str
    envelope: Envelope
    payload: bytes
    ordinal: int
    apart: bool = False


@dataclass(frozen=True)
class NumberedEvent:
    """A row of the outbox that has its publish_no: the Pulsar sequence id it is sent under."""

    row_id: int
    publish_no: int
    topic: str
    key: str
    event_id: UUID
    event_time: datetime
    properties: dict[str, str]
    payload: bytes


@dataclass(frozen=True)
class ComposedFrom:
    """An event before it is sealed. `record` is in clear; `subject_id` whose data it holds."""

    name: str
    record: Mapping[str, object]
    envelope: Envelope
    ordinal: int
    subject_id: UUID | None
    apart: bool = False


class EventComposer(Protocol):
    """Seals and encodes an event, and Core's copy of it where `topics.yaml` says so."""

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """The rows to write. Raises SubjectErased, Unavailable."""


class EventSender(Protocol):
    """Sends numbered events in order, unbatched, under one producer name."""

    async def open(self, topic: str) -> int:
        """The highest number that the topic has under this name, 0 if none. Raises Unavailable."""

    async def send(self, event: NumberedEvent) -> bool:
        """Returns once the broker has it on disk: True if stored now, False if it knew the number.

        Raises Unavailable: this sender is spent then, and another resends what was not confirmed.
        """

    async def close(self) -> None:
        """Lets go of the broker."""
