"""Events that open an aggregate of their own: a rejection, an operator's act."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from dict_common.kernel.envelope import Envelope
from dict_common.kernel.ids import derived_id
from dict_common.ports.outgoing import ComposedFrom

SOURCE = "/dict-connect/claim-orchestrator"


class Event(Protocol):
    """A domain event."""

    NAME: ClassVar[str]

    def record(self) -> dict[str, object]:
        """Field name to value."""


@dataclass(frozen=True)
class CausedBy:
    """The command that an event follows from."""

    command_id: UUID
    correlation_id: str | None
    traceparent: str | None


def only_event(
    event: Event, aggregate_type: str, aggregate_id: UUID, at: datetime, cause: CausedBy
) -> ComposedFrom:
    """Number 1 of its aggregate, and the same id however often it is composed."""
    return ComposedFrom(
        name=event.NAME,
        record=event.record(),
        envelope=Envelope(
            id=derived_id(aggregate_id, event.NAME),
            type=event.NAME,
            source=SOURCE,
            time=at,
            subject=str(aggregate_id),
            aggregate_type=aggregate_type,
            correlation_id=cause.correlation_id or str(cause.command_id),
            causation_id=str(cause.command_id),
            traceparent=cause.traceparent,
        ),
        ordinal=1,
        subject_id=None,
        apart=True,
    )
