"""CloudEvents 1.0 in binary mode: the envelope stands in message properties, the body is data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from dict_common.kernel.clock import to_rfc3339
from dict_common.kernel.errors import Undeliverable

SPEC_VERSION = "1.0"
BODY_BYTES_MAX = 64 * 1024
"""A message body beyond this is refused by the outbox and by every consumer (`too-large`)."""

_PROPERTY_CHARACTERS_MAX = 512
_ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class WorkflowRef:
    """The Temporal execution behind an event."""

    type: str
    id: str
    run_id: str | None


@dataclass(frozen=True)
class Envelope:
    """The attributes of one message.

    `source` is `/dict-connect/<service>` for ours; an aggregate is (source, aggregate_type,
    subject) and `sequence` counts its events 1, 2, 3 … (None on commands).
    """

    id: UUID
    type: str
    source: str
    time: datetime
    subject: str
    aggregate_type: str
    sequence: int | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    workflow: WorkflowRef | None = None

    def to_properties(self) -> dict[str, str]:
        """Message properties; absent attributes are left out."""
        workflow = self.workflow
        optional = {
            "ce_sequence": None if self.sequence is None else str(self.sequence),
            "ce_correlationid": self.correlation_id,
            "ce_causationid": self.causation_id,
            "traceparent": self.traceparent,
            "dict_workflowtype": workflow.type if workflow else None,
            "dict_workflowid": workflow.id if workflow else None,
            "dict_workflowrunid": workflow.run_id if workflow else None,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {
            "ce_specversion": SPEC_VERSION,
            "ce_id": str(self.id),
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_time": to_rfc3339(self.time),
            "ce_subject": self.subject,
            "dict_aggregatetype": self.aggregate_type,
        } | present


def from_properties(properties: Mapping[str, str]) -> Envelope:
    """The envelope of a message that arrived.

    Raises Undeliverable `envelope-invalid` naming the property that is missing or wrong. An
    optional property that cannot be read is dropped: a bad traceparent costs a trace, no message.
    """
    for name in ("ce_id", "ce_type", "ce_source", "ce_time", "ce_subject"):
        if not properties.get(name):
            raise Undeliverable(
                "envelope-invalid",
                f"property {name} is missing: publish CloudEvents 1.0 in binary mode",
            )
        if len(properties[name]) > _PROPERTY_CHARACTERS_MAX or "\x00" in properties[name]:
            raise Undeliverable("envelope-invalid", f"property {name} is too long or holds NUL")
    sequence = _sequence(properties.get("ce_sequence"))
    traceparent = properties.get("traceparent", "")
    return Envelope(
        id=_uuid(properties["ce_id"]),
        type=properties["ce_type"],
        source=properties["ce_source"],
        time=_time(properties["ce_time"]),
        subject=properties["ce_subject"],
        aggregate_type=properties.get("dict_aggregatetype", ""),
        sequence=sequence,
        correlation_id=_id_only(properties.get("ce_correlationid")),
        causation_id=_id_only(properties.get("ce_causationid")),
        traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else None,
        workflow=_workflow(properties),
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Undeliverable("envelope-invalid", "property ce_id must be a UUID") from None


def _time(text: str) -> datetime:
    """In UTC: the month of an event, and so its partition, is the month there."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Undeliverable("envelope-invalid", "property ce_time must be RFC 3339 with a zone")


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Undeliverable("envelope-invalid", "property ce_sequence must be a whole number")
    return int(text)


def _id_only(text: str | None) -> str | None:
    """A UUID or a trace id: what is copied into events kept for ever is never free text."""
    return text if text and _ID.fullmatch(text) else None


def _workflow(properties: Mapping[str, str]) -> WorkflowRef | None:
    name, id_ = properties.get("dict_workflowtype"), properties.get("dict_workflowid")
    if not name or not id_:
        return None
    return WorkflowRef(name, id_, properties.get("dict_workflowrunid") or None)
