"""What is asked of the audit, and how a long time is cut so that every cut is quick to read."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from audit_sink.domain.months import month_of, next_month
from dict_common.kernel.errors import InputRefused

FIRST_WINDOW = timedelta(hours=1)
WINDOW_GROWTH = 4
WINDOW_MAX = timedelta(days=3_650)
YEAR_MIN = 100
"""Before it there is no room to cut windows of decades from."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Criteria:
    """All of them must fit; None asks for nothing. Times: from `since` on, before `until`.

    `claim`: its events in both roles, and commands about it that were refused. `subtype` is the
    CloudEvents type, `event_type` the seeds'.
    """

    claim: str | None = None
    participant: str | None = None
    subtype: str | None = None
    event_type: str | None = None
    correlation: str | None = None
    workflow: str | None = None
    event: UUID | None = None
    aggregate_type: str | None = None
    aggregate_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InputRefused where nothing could fit."""
        if self.since and self.until and self.since >= self.until:
            raise InputRefused("time-range-empty", "--from must be before --to")

    @property
    def empty(self) -> bool:
        """Asks for everything."""
        return self == Criteria()

    @property
    def few(self) -> bool:
        """Something in it has an index and few rows, so that their number needs no cutting."""
        asked = (self.claim, self.correlation, self.workflow, self.event, self.aggregate_id)
        return any(it is not None for it in asked)

    @property
    def one_aggregate(self) -> bool:
        """Its rows are told by their sequence, which is truer than their times."""
        return self.claim is not None or self.aggregate_id is not None

    def within(self, since: datetime | None, until: datetime | None) -> "Criteria":
        """The same for a part of the time."""
        return replace(self, since=since, until=until)


def backwards(criteria: Criteria, now: datetime) -> Iterator[Criteria]:
    """The same question from the newest time back: an hour, four, sixteen …; the last is open.

    Together they are the whole question, and no instant is in two of them.
    """
    until = criteria.until
    since = min(until or now, now)
    if criteria.few or since.year < YEAR_MIN:
        yield criteria
        return
    width = FIRST_WINDOW
    since -= width
    while width <= WINDOW_MAX and (criteria.since is None or since > criteria.since):
        yield criteria.within(since, until)
        width *= WINDOW_GROWTH
        until, since = since, since - width
    yield criteria.within(criteria.since, until)


def forwards(criteria: Criteria, months: AbstractSet[date]) -> Iterator[Criteria]:
    """The same question day by day through the months, and in one piece where there is no month.

    Together they are the whole question, in the order of time, and no instant is in two of them.
    """
    if criteria.few:
        yield criteria
        return
    edges = [edge for edge in sorted(_edges(months)) if _inside(edge, criteria)]
    bounds = [criteria.since, *edges, criteria.until]
    for since, until in pairwise(bounds):
        yield criteria.within(since, until)


def _edges(months: AbstractSet[date]) -> AbstractSet[datetime]:
    edges: set[datetime] = set()
    for month in months:
        if month.year == date.max.year:
            continue  # its end is in no calendar, and nothing happens there
        day, end = month_of(month), next_month(month)
        while day <= end:
            edges.add(datetime.combine(day, time(), UTC))
            day += DAY
    return edges


def _inside(edge: datetime, criteria: Criteria) -> bool:
    after = criteria.since is None or edge > criteria.since
    return after and (criteria.until is None or edge < criteria.until)
