"""Rows and events for tests of the store without a server."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import OutgoingEvent

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def outgoing(payload: bytes = b"body") -> OutgoingEvent:
    """An event on its way to the outbox."""
    envelope = Envelope(UUID(int=1), "workflow.step", "/s", NOW, "a", "claim")
    return OutgoingEvent("events/workflow.step", "a", envelope, payload, 1)


def row(number: int = 1, sequence: int = 1) -> Any:
    """A numbered row of the outbox."""
    return {
        "id": number * 10,
        "publish_no": number,
        "topic": "events/workflow.step",
        "message_key": "a",
        "event_id": UUID(int=number),
        "event_time": NOW,
        "sequence": sequence,
        "properties": {"ce_id": str(UUID(int=number))},
        "payload": b"body",
    }
