"""The command `entry.report`: its record and what makes it valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import bounded, instant, member, optional, text
from dict_common.kernel.ids import parse_id
from dict_common.kernel.participant import ispb
from dict_common.kernel.pix_key import KeyType
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid import CidAttributes

CHARACTERS_MAX = {
    "key": 77,
    "tax_id": 14,
    "name": 150,
    "trade_name": 100,
    "branch": 10,
    "account_number": 20,
    "account_type": 10,
}
"""Longer than what DICT holds, so that only what cannot be an entry is refused: a CID is made of
the registered strings, whatever today's patterns say."""
NEEDED = frozenset({"key", "tax_id", "name", "account_number", "account_type"})


class Operation(StrEnum):
    """What DICT has confirmed."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class EntryReport:
    """A valid `entry.report`, personal data in clear (left out of `repr`). `papers` is None for
    DELETED."""

    entry_id: UUID
    operation: Operation
    version: int
    dict_time: datetime
    participant: str
    key_type: KeyType
    papers: EntryPapers | None


def entry_report(record: Mapping[str, object], own_participants: frozenset[str]) -> EntryReport:
    """The command in `record`. Raises InputRefused with the rule that it breaks.

    `own_participants`: ISPBs that this installation speaks for, direct and indirect.
    """
    operation = member(Operation, record, "operation")
    participant = own_participant(record, own_participants)
    key_type = member(KeyType, record, "key_type")
    deleted = operation is Operation.DELETED
    return EntryReport(
        entry_id=parse_id(text(record, "entry_id"), "entry_id"),
        operation=operation,
        version=_version(record),
        dict_time=instant(record, "dict_time"),
        participant=participant,
        key_type=key_type,
        papers=None if deleted else _papers(record, participant, key_type),
    )


def own_participant(record: Mapping[str, object], own_participants: frozenset[str]) -> str:
    """The participant that a record names. Raises InputRefused for one that is not ours."""
    participant = ispb(text(record, "participant"), "participant")
    if participant not in own_participants:
        raise InputRefused(
            "participant-unknown",
            f"{participant} is none of ours: add it to VSYNC_PARTICIPANTS, "
            "or publish to its own installation",
        )
    return participant


def value_of(record: Mapping[str, object], name: str) -> str:
    """One of CHARACTERS_MAX, empty where the entry has none. Raises InputRefused."""
    if name not in NEEDED and optional(record, name) is None:
        return ""
    return bounded(record, name, CHARACTERS_MAX[name])


def _papers(record: Mapping[str, object], participant: str, key_type: KeyType) -> EntryPapers:
    read = {name: value_of(record, name) for name in CHARACTERS_MAX}
    return EntryPapers(
        parse_id(text(record, "request_id"), "request_id"),
        CidAttributes(key_type=key_type, participant=participant, **read),
        _opening_date(record),
    )


def _opening_date(record: Mapping[str, object]) -> datetime | None:
    if record.get("account_opening_date") is None:
        return None
    return instant(record, "account_opening_date")


def _version(record: Mapping[str, object]) -> int:
    value = record.get("version")
    if not isinstance(value, int) or value < 0:
        raise InputRefused("version-invalid", "version must be 0 or more, and grow by each change")
    return value
