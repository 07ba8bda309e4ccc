"""Entries and claims as JSON text for the state file, and back."""

import dataclasses
import json
from datetime import datetime
from typing import Any

from bridge_simulator.instants import from_us, to_us
from bridge_simulator.records import Account, Claim, Entry, Owner

_ENTRY_TIMES = ("creation_date", "key_ownership_date")
_CLAIM_TIMES = (
    "resolution_period_end",
    "completion_period_end",
    "last_modified",
    "entry_creation_date",
    "key_ownership_date",
    "creation_time",
    "donor_key_ownership_date",
)


def to_document(record: Entry | Claim) -> str:
    """JSON text with microseconds for times."""
    return json.dumps(dataclasses.asdict(record), default=_time, ensure_ascii=False)


def to_entry(document: str) -> Entry:
    """The entry that `to_document` wrote."""
    values = _with_times(json.loads(document), _ENTRY_TIMES)
    return Entry(
        **values | {"account": _account(values["account"]), "owner": Owner(**values["owner"])}
    )


def to_claim(document: str) -> Claim:
    """The claim that `to_document` wrote."""
    values = _with_times(json.loads(document), _CLAIM_TIMES)
    return Claim(
        **values
        | {
            "claimer_account": _account(values["claimer_account"]),
            "claimer": Owner(**values["claimer"]),
        }
    )


def _account(values: dict[str, Any]) -> Account:
    return Account(**_with_times(values, ("opening_date",)))


def _with_times(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return values | {name: from_us(values[name]) for name in names if values[name] is not None}


def _time(value: object) -> int:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a state file")
    return to_us(value)
