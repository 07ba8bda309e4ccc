"""A row of audit.workflow_events, and the cheap checks that keep poison away from the database."""

import json
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple, TypeAlias
from uuid import UUID

from dict_common.kernel.errors import Undeliverable

FUTURE_MAX = timedelta(hours=24)
"""An event further ahead of now has a broken clock behind it."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""An event before it has none behind it: many languages write 0001-01-01 for a time never set."""

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
"""No floats: no schema of ours has one, and their text form is not canonical."""


class AuditRow(NamedTuple):
    """The columns in the table's order, without id, batch_id and leaf_no. Payload still sealed.

    `event_payload` and `metadata` are canonical JSON, UTF-8: made once, for leaf and table.
    """

    event_id: UUID
    workflow_type: str
    workflow_id: str
    workflow_run_id: UUID | None
    event_type: str
    event_subtype: str
    event_payload: bytes
    user_id: UUID | None
    correlation_id: str | None
    occurred_at: datetime
    metadata: bytes
    source: str
    aggregate_type: str
    aggregate_id: str
    aggregate_sequence: int
    participant_ispb: str | None

    @property
    def month(self) -> date:
        """The first day (UTC) of the month it belongs to: its partition."""
        return date(self.occurred_at.year, self.occurred_at.month, 1)


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
_texts_of = attrgetter(*LENGTHS_MAX)
_LIMITS = tuple(LENGTHS_MAX.values())
_NUL_IN_JSON = b"\\u0000"


def canonical_json(value: Json) -> bytes:
    """Sorted names, no blanks, no escapes but the needed: the same whatever JSONB reordered."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check(row: AuditRow, now: datetime) -> None:
    """Raises Undeliverable for what PostgreSQL would refuse, or what no clock can have meant.

    One bad row fails a whole COPY; finding it there costs half of the throughput.
    """
    for value, characters_max in zip(_texts_of(row), _LIMITS, strict=True):
        if value is not None and (len(value) > characters_max or "\x00" in value):
            raise _text_refused(row)
    if _NUL_IN_JSON in row.event_payload and _has_nul(json.loads(row.event_payload)):
        raise Undeliverable("text-has-nul", "the body holds NUL, which JSONB cannot store")
    if row.occurred_at > now + FUTURE_MAX:
        raise Undeliverable(
            "time-in-future", "ce_time is more than 24 h ahead: set the producer's clock, redrive"
        )
    if row.occurred_at < EARLIEST:
        raise Undeliverable(
            "time-before-1970", "ce_time was never set: its sender has to publish it anew"
        )


def _text_refused(row: AuditRow) -> Undeliverable:
    texts = zip(LENGTHS_MAX.items(), _texts_of(row), strict=True)
    for (name, characters_max), value in texts:
        if value is not None and "\x00" in value:
            return Undeliverable("text-has-nul", f"{name} holds NUL, which PostgreSQL cannot store")
        if value is not None and len(value) > characters_max:
            detail = f"{name} has more than {characters_max} characters"
            return Undeliverable("field-too-long", detail)
    raise AssertionError("every text fits")


def _has_nul(value: Json) -> bool:
    """Asked only where the JSON text shows it: a backslash may stand before what looks like NUL."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _has_nul(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return False
