"""An import of a base: what one file says of many entries, as of one instant.

An import tells no event of an entry, and `version` counts those: it stays. The rest is what any
report makes of an entry.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from vsync.domain.entry import Entry, EntryChange, Step, Told, told
from vsync.domain.precedence import Report, Source, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def report_as_of(as_of: datetime) -> Report:
    """The report of every entry of a file: a later instant is the higher number."""
    return Report(Source.IMPORT, (as_of - _EPOCH) // timedelta(microseconds=1), as_of)


def imported(entry: Entry | None, entry_id: UUID, what: Told) -> Step:
    """The next state of an entry, or of one that was not known, without an event. One in review
    waits for its person, or for what DICT says next: a file says nothing of it."""
    if entry is not None and entry.review_id is not None:
        return Step(Verdict.OVERTAKEN, entry)
    step = told(entry, entry_id, what)
    if step.entry is None:
        return step
    return replace(step, entry=replace(step.entry, version=0 if entry is None else entry.version))


@dataclass(frozen=True)
class Counted:
    """Rows of a file, each by what became of it."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    """It stands now, and nothing of it differs in the sight of Bacen."""
    overtaken: int = 0
    """Something later stands."""
    seen: int = 0
    """An import has told this, or something later, before."""
    bad: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(astuple(self))

    @property
    def applied(self) -> int:
        """By which an entry was made or changed."""
        return self.created + self.updated


NOTHING = Counted()


def outcome_of(step: Step) -> str:
    """The field of Counted for a row that came to this."""
    by_verdict: Mapping[Verdict, str] = {Verdict.SEEN: "seen", Verdict.OVERTAKEN: "overtaken"}
    if step.verdict in by_verdict:
        return by_verdict[step.verdict]
    by_change = {EntryChange.CREATED: "created", EntryChange.UPDATED: "updated"}
    return "unchanged" if step.change is None else by_change[step.change]
