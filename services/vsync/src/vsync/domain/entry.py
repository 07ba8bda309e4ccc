"""An entry of our base, and what a report about it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from vsync.domain.precedence import Report, Source, Verdict, judge


class EntryChange(StrEnum):
    """What became of an entry; the name of its event."""

    CREATED = "entry.created"
    UPDATED = "entry.updated"
    DELETED = "entry.deleted"


@dataclass(frozen=True)
class EntrySet:
    """A participant's keys of one type: what Bacen verifies at once."""

    participant: str
    key_type: str


@dataclass(frozen=True)
class Told:
    """What a report says. `cid` is None where DICT has the entry no more."""

    report: Report
    set: EntrySet
    cid: bytes | None


@dataclass(frozen=True)
class Entry:
    """As it stands. `cid` is None for a tombstone; `version` counts its events."""

    entry_id: UUID
    set: EntrySet
    cid: bytes | None
    stands: Report
    numbers: Mapping[Source, int]
    version: int


@dataclass(frozen=True)
class Step:
    """`entry` as it is after a report, None where nothing of it changes. `change`: what is told."""

    verdict: Verdict
    entry: Entry | None = None
    change: EntryChange | None = None


def told(entry: Entry | None, entry_id: UUID, what: Told) -> Step:
    """The next state of an entry, or of one that was not known."""
    numbers = {} if entry is None else entry.numbers
    verdict = judge(what.report, numbers, None if entry is None else entry.stands)
    if verdict is Verdict.SEEN:
        return Step(verdict)
    numbers = {**numbers, what.report.source: what.report.number}
    if verdict is Verdict.OVERTAKEN:
        assert entry is not None, "the first report of an entry stands"
        return Step(verdict, replace(entry, numbers=numbers))
    change = _change(entry, what)
    version = (0 if entry is None else entry.version) + (change is not None)
    return Step(verdict, Entry(entry_id, what.set, what.cid, what.report, numbers, version), change)


def _change(entry: Entry | None, what: Told) -> EntryChange | None:
    before = None if entry is None else entry.cid
    if before is None:
        return None if what.cid is None else EntryChange.CREATED
    if what.cid is None:
        return EntryChange.DELETED
    same = entry is not None and entry.set == what.set and before == what.cid
    return None if same else EntryChange.UPDATED
