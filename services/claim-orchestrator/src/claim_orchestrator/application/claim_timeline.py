"""Everything that is known of a claim, in one order: events and steps of the audit, refused
commands, calls to the Bridge, spans of its traces.
"""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

_TELLING = (
    "name",
    "verb",
    "operator",
    "decision",
    "outcome",
    "action",
    "margin_seconds",
    "reason",
    "reason_code",
    "dict_status",
    "error_type",
    "detail",
)
_STEP = "workflow.step"


def timeline(events: Iterable[Row], calls: Iterable[Row], spans: Iterable[Row]) -> list[Row]:
    """One row each: at, sequence, kind, what, told, trace. Oldest first; events of one instant by
    their sequence."""
    rows = [_event(event) for event in events]
    rows += [_call(call) for call in calls]
    rows += [_span(span) for span in spans]
    return sorted(rows, key=lambda row: (row["at"], row["sequence"] or 0))


def trace_ids(events: Iterable[Row]) -> frozenset[str]:
    """The traces that the events belong to."""
    return frozenset(filter(None, (_trace(event.get("traceparent")) for event in events)))


def _event(event: Row) -> Row:
    step = event["event_subtype"] == _STEP
    payload = event["event_payload"]
    told = [str(payload[name]) for name in _TELLING if payload.get(name)]
    return {
        "at": event["occurred_at"],
        "sequence": event["aggregate_sequence"],
        "kind": "step" if step else "event",
        "what": event["event_type"] if step else event["event_subtype"],
        "told": " · ".join(told),
        "trace": _trace(event.get("traceparent")),
        "request_id": payload.get("request_id") if step else None,
    }


def _call(call: Row) -> Row:
    attempts = call["attempt_count"]
    told = [call["status"], call["error_code"], call["response_status_code"]]
    told += [f"{attempts} attempts" if attempts > 1 else None]
    told += ["an attempt was never answered" if call["unknown_since"] else None]
    return {
        "at": call["created_at"],
        "sequence": None,
        "kind": "bridge",
        "what": call["operation_type"],
        "told": " · ".join(str(word) for word in told if word is not None),
        "trace": None,
        "request_id": call["request_id"],
    }


def _span(span: Row) -> Row:
    return {
        "at": span["start"],
        "sequence": None,
        "kind": "span",
        "what": span["name"],
        "told": f"{span['service']} · {span['milliseconds']} ms",
        "trace": span["trace"],
        "request_id": None,
    }


def _trace(traceparent: object) -> str | None:
    parts = str(traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None
