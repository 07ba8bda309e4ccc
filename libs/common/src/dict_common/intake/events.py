"""Events that open an aggregate of their own: a rejection, an operator's act.

Field for field as `schemas/avro` has them; a contract test compares.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from dict_common.kernel.envelope import Envelope
from dict_common.kernel.ids import derived_id
from dict_common.ports.outgoing import ComposedFrom


class Event(Protocol):
    """An event before it is composed."""

    NAME: ClassVar[str]

    def record(self) -> dict[str, object]:
        """Field name to value."""


@dataclass(frozen=True, kw_only=True)
class CommandRejected:
    """A command was understood and refused. `detail` holds no personal data."""

    NAME: ClassVar[str] = "command.rejected"
    command_id: str
    command_type: str
    aggregate_type: str
    aggregate_id: str
    reason_code: str
    detail: str
    rejected_at: datetime

    def record(self) -> dict[str, object]:
        """Field name to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class OperatorActed:
    """What a person did. `operator`: the opaque subject of the token."""

    NAME: ClassVar[str] = "operator.acted"
    request_id: str
    verb: str
    target_type: str
    target_id: str
    operator: str
    reason: str
    outcome: str
    dry_run: bool
    acted_at: datetime
    letters: tuple[str, ...] | None = None
    skipped: int | None = None
    topics: tuple[str, ...] | None = None
    published_from: datetime | None = None
    published_until: datetime | None = None
    sandbox: bool | None = None
    file_sha256: str | None = None
    as_of: datetime | None = None
    rows: int | None = None
    rows_applied: int | None = None
    rows_bad: int | None = None
    opened: int | None = None

    def record(self) -> dict[str, object]:
        """Field name to value; Avro's lists are lists."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in named.items()
        }


@dataclass(frozen=True)
class CausedBy:
    """The command that an event follows from, and who tells it: `/dict-connect/<service>`."""

    source: str
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
            source=cause.source,
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
