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
    """As it stands. `cid` is None for a tombstone, and while a review decides about the entry
    (`review_id`); `version` counts its events."""

    entry_id: UUID
    set: EntrySet
    cid: bytes | None
    stands: Report
    numbers: Mapping[Source, int]
    version: int
    review_id: UUID | None = None

    @property
    def holds(self) -> bool:
        """It has its key: active, or while a person decides."""
        return self.cid is not None or self.review_id is not None

    @property
    def made_up(self) -> bool:
        """Core has never told of it under this id: a repair or an import made the entry."""
        return Source.CORE not in self.numbers


@dataclass(frozen=True)
class Step:
    """`entry` as it is after a report, None where nothing of it changes. `change`: what is told.
    `closes`: the review that the report has made needless."""

    verdict: Verdict
    entry: Entry | None = None
    change: EntryChange | None = None
    closes: UUID | None = None


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
    return _becomes(entry, entry_id, what, numbers)


def heir(entry: Entry | None, entry_id: UUID, what: Told, other: Entry) -> Step:
    """What `told` makes of the entry, but with the content of another one of the same key, whose
    state is later than what is told."""
    assert other.cid is not None, "an entry that stands"
    known = {} if entry is None else entry.numbers
    numbers = {
        source: max(known.get(source, 0), other.numbers.get(source, 0))
        for source in {*known, *other.numbers}
    } | {what.report.source: what.report.number}
    return _becomes(entry, entry_id, Told(other.stands, other.set, other.cid), numbers)


def excluded(entry: Entry, review_id: UUID) -> Entry:
    """In no VSync until a person has decided."""
    return replace(entry, cid=None, review_id=review_id, version=entry.version + 1)


def deleted(entry: Entry, by: Report) -> Entry:
    """A tombstone, after a review."""
    numbers = {**entry.numbers, by.source: by.number}
    version = entry.version + 1
    return replace(entry, cid=None, stands=by, numbers=numbers, review_id=None, version=version)


def registered(entry: Entry, cid: bytes, by: Report) -> Entry:
    """Back in its VSync under another CID, after DICT has taken it anew."""
    return replace(deleted(entry, by), cid=cid)


def retired(entry: Entry) -> Entry:
    """Another entry holds its key now."""
    return replace(entry, cid=None, review_id=None, version=entry.version + 1)


def _becomes(
    entry: Entry | None, entry_id: UUID, what: Told, numbers: Mapping[Source, int]
) -> Step:
    change = _change(entry, what)
    version = (0 if entry is None else entry.version) + (change is not None)
    closes = None if entry is None else entry.review_id
    after = Entry(entry_id, what.set, what.cid, what.report, numbers, version)
    return Step(Verdict.APPLY, after, change, closes)


def _change(entry: Entry | None, what: Told) -> EntryChange | None:
    if entry is None or not entry.holds:
        return None if what.cid is None else EntryChange.CREATED
    if what.cid is None:
        return EntryChange.DELETED
    same = entry.set == what.set and entry.cid == what.cid
    return None if same else EntryChange.UPDATED
