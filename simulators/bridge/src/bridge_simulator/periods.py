"""How long a claim's periods last, by section 1.3, and what a shortened day makes of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY_SECONDS = 86_400
RESOLUTION_DAYS = 7
COMPLETION_DAYS = 14
CLAIMER_DAYS = 30
CID_FILE_SECONDS = 10
"""Bacen's own example makes a file ten seconds after it was asked for."""
EVENTS_LAG_SECONDS = 5
"""How old an event of the log is, about, when Bacen begins to show it."""


@dataclass(frozen=True)
class Periods:
    """`day_seconds` is how long a day of the rules lasts here; tests and demos shorten it.

    `events_lag_ms` None = Bacen's, shortened as the day is. `bucket_speed` times as fast do buckets
    refill.
    """

    day_seconds: int = DAY_SECONDS
    events_lag_ms: int | None = None
    bucket_speed: int = 1

    def resolution_end(self, created: datetime) -> datetime:
        """Until then the donor's user may answer."""
        return created + self._days(RESOLUTION_DAYS)

    def completion_end(self, created: datetime) -> datetime:
        """Until then the donor's user may still prove possession (OWNERSHIP)."""
        return created + self._days(COMPLETION_DAYS)

    def claimer_limit(self, resolution_end: datetime) -> datetime:
        """Day 30: from then on the claimer's participant may cancel by default (OWNERSHIP)."""
        return resolution_end + self._days(CLAIMER_DAYS - RESOLUTION_DAYS)

    def cid_file_due(self, requested: datetime) -> datetime:
        """When a file of CIDs is ready."""
        return requested + self._shortened(CID_FILE_SECONDS)

    def events_shown_until(self, now: datetime) -> datetime:
        """The log of CIDs shows what happened up to then."""
        if self.events_lag_ms is not None:
            return now - timedelta(milliseconds=self.events_lag_ms)
        return now - self._shortened(EVENTS_LAG_SECONDS)

    def _shortened(self, seconds: int) -> timedelta:
        return timedelta(seconds=seconds * self.day_seconds / DAY_SECONDS)

    def _days(self, count: int) -> timedelta:
        return timedelta(seconds=count * self.day_seconds)
