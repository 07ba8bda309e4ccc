"""A row of audit.workflow_events, and the cheap checks that keep poison away from the database."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from dict_common.kernel.errors import Undeliverable

FUTURE_MAX = timedelta(hours=24)
"""An event further ahead of now has a broken clock behind it."""

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
"""No floats: no schema of ours has one, and their text form is not canonical."""


@dataclass(frozen=True)
class AuditRow:
    """The columns in the table's order, without id, batch_id and leaf_no. Payload still sealed."""

    event_id: UUID
    workflow_type: str
    workflow_id: str
    workflow_run_id: UUID | None
    event_type: str
    event_subtype: str
    event_payload: dict[str, Json]
    user_id: UUID | None
    correlation_id: str | None
    occurred_at: datetime
    metadata: dict[str, Json]
    source: str
    aggregate_type: str
    aggregate_id: str
    aggregate_sequence: int
    participant_ispb: str | None

    @property
    def month(self) -> date:
        """The first day (UTC) of the month it belongs to: its partition."""
        return self.occurred_at.date().replace(day=1)


LENGTHS_MAX = {
    "workflow_type": 100,
    "workflow_id": 255,
    "event_type": 100,
    "event_subtype": 100,
    "correlation_id": 100,
    "source": 255,
    "aggregate_type": 50,
    "aggregate_id": 255,
    "participant_ispb": 8,
}
"""Characters that the columns hold."""


def canonical_json(value: Json) -> str:
    """Sorted names, no blanks, no escapes but the needed: the same whatever JSONB reordered."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check(row: AuditRow, now: datetime) -> None:
    """Raises Undeliverable for what PostgreSQL would refuse, or what no clock can have meant.

    One bad row fails a whole COPY; finding it there costs half of the throughput.
    """
    for name, characters_max in LENGTHS_MAX.items():
        value = getattr(row, name)
        if value is not None and len(value) > characters_max:
            raise Undeliverable(
                "field-too-long", f"{name} has more than {characters_max} characters"
            )
        if value is not None and "\x00" in value:
            raise Undeliverable("text-has-nul", f"{name} holds NUL, which PostgreSQL cannot store")
    if _has_nul(row.event_payload):
        raise Undeliverable("text-has-nul", "the body holds NUL, which JSONB cannot store")
    if row.occurred_at > now + FUTURE_MAX:
        raise Undeliverable(
            "time-in-future", "ce_time is more than 24 h ahead: set the producer's clock, redrive"
        )


def _has_nul(value: Json) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _has_nul(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return False
