"""Deadlines are instants, and they come from the dates that DICT returned.

The length of a day is data (`claim_day_seconds`): shorter days exist to try things, never in
production.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

PROVISIONAL_DAYS = 30
"""Until DICT gave its dates: the seeds' 30 days from the start."""
CLAIMER_DAYS_AFTER_RESOLUTION = 23
"""Claimer's outer limit, day 30 = ResolutionPeriodEnd + 23 (bacen-dict 1.3)."""
POLLS_PER_DAY = 4
"""Every 6 hours: the seeds' MonitorStatusWorkflow."""


@dataclass(frozen=True)
class Calendar:
    """How long a claim's day is, in seconds."""

    day_seconds: int

    def days(self, number: float) -> timedelta:
        """That many claim days."""
        return timedelta(seconds=self.day_seconds * number)

    def provisional_deadline(self, started_at: datetime) -> datetime:
        """`expires_at` until DICT has answered."""
        return started_at + self.days(PROVISIONAL_DAYS)

    def claimer_deadline(self, resolution_period_end: datetime | None) -> datetime | None:
        """The claimer's outer limit, None while DICT gave no date."""
        if resolution_period_end is None:
            return None
        return resolution_period_end + self.days(CLAIMER_DAYS_AFTER_RESOLUTION)

    def poll_interval(self) -> timedelta:
        """How often a single claim is asked for."""
        return self.days(1 / POLLS_PER_DAY)
