"""CloudEvents 1.0 in binary mode: the envelope stands in message properties, the body is data."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from dict_common.kernel.clock import from_rfc3339, to_rfc3339
from dict_common.kernel.errors import Undeliverable

SPEC_VERSION = "1.0"
BODY_BYTES_MAX = 64 * 1024
"""A message body beyond this is refused by the outbox and by every consumer (`too-large`)."""

_PROPERTY_CHARACTERS_MAX = 512
_NEEDED = ("ce_id", "ce_type", "ce_source", "ce_time", "ce_subject")
_ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}").fullmatch
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_SEQUENCE = re.compile(r"[0-9]{1,18}").fullmatch


class WorkflowRef(NamedTuple):
    """The Temporal execution behind an event."""

    type: str
    id: str
    run_id: str | None


class Envelope(NamedTuple):
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
    get = properties.get
    for name in _NEEDED:
        text = get(name)
        if not text or len(text) > _PROPERTY_CHARACTERS_MAX or "\x00" in text:
            raise _property_refused(name, text)
    traceparent = get("traceparent")
    return Envelope(
        _uuid(properties["ce_id"]),
        properties["ce_type"],
        properties["ce_source"],
        _time(properties["ce_time"]),
        properties["ce_subject"],
        get("dict_aggregatetype", ""),
        _sequence(get("ce_sequence")),
        _id_only(get("ce_correlationid")),
        _id_only(get("ce_causationid")),
        traceparent if traceparent and _TRACEPARENT(traceparent) else None,
        _workflow(properties),
    )


def _property_refused(name: str, text: str | None) -> Undeliverable:
    if not text:
        return Undeliverable(
            "envelope-invalid",
            f"property {name} is missing: publish CloudEvents 1.0 in binary mode",
        )
    return Undeliverable("envelope-invalid", f"property {name} is too long or holds NUL")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Undeliverable("envelope-invalid", "property ce_id must be a UUID") from None


def _time(text: str) -> datetime:
    """In UTC: the month of an event, and so its partition, is the month there."""
    instant = from_rfc3339(text)
    if instant is None:
        raise Undeliverable("envelope-invalid", "property ce_time must be RFC 3339 with a zone")
    return instant


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not _SEQUENCE(text):
        raise Undeliverable("envelope-invalid", "property ce_sequence must be a whole number")
    return int(text)


def _id_only(text: str | None) -> str | None:
    """A UUID or a trace id: what is copied into events kept for ever is never free text."""
    return text if text and _ID(text) else None


def _workflow(properties: Mapping[str, str]) -> WorkflowRef | None:
    name, id_ = properties.get("dict_workflowtype"), properties.get("dict_workflowid")
    if not name or not id_:
        return None
    return WorkflowRef(name, id_, properties.get("dict_workflowrunid") or None)
