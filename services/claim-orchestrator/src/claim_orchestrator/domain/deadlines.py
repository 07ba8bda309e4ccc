"""Deadlines are instants, and they come from the dates that DICT returned.

The length of a day is data (`claim_day_seconds`): shorter days exist to try things, never in
production.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

PROVISIONAL_DAYS = 30
"""Until DICT gave its dates: the seeds' 30 days from the start."""
CLAIMER_DAYS_AFTER_RESOLUTION = 23
"""Claimer's outer limit, day 30 = ResolutionPeriodEnd + 23 (bacen-dict 1.3)."""
RESOLUTION_DAYS = 7
"""From the opening to ResolutionPeriodEnd, both types (bacen-dict 1.3)."""
POLLS_PER_DAY = 4
"""Every 6 hours: the seeds' MonitorStatusWorkflow."""
SWITCH_DAYS_AFTER_DEADLINE = 15 / (24 * 60)
"""The dead-man switch looks 15 minutes after the deadline."""
RETRY_AGAIN = timedelta(seconds=30)
"""How soon a step that DICT holds off (a period not ended) is tried again."""


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
        try:
            return resolution_period_end + self.days(CLAIMER_DAYS_AFTER_RESOLUTION)
        except OverflowError:
            return resolution_period_end  # the last years of the calendar have no day 30

    def opened(self, resolution_period_end: datetime) -> datetime:
        """When DICT has opened a claim: the resolution period begins then."""
        return resolution_period_end - self.days(RESOLUTION_DAYS)

    def poll_interval(self) -> timedelta:
        """How often a single claim is asked for."""
        return self.days(1 / POLLS_PER_DAY)

    def switch_at(self, deadline: datetime) -> datetime:
        """When the dead-man switch looks whether the deadline was acted on."""
        return deadline + self.days(SWITCH_DAYS_AFTER_DEADLINE)

    def again_after(self, failures: int) -> timedelta:
        """How long to leave a held step alone: 30 s, doubling, at most the poll's interval.

        Growing, so that a history stays bounded however long somebody else is away.
        """
        doubled: timedelta = RETRY_AGAIN * (2 ** min(max(failures - 1, 0), 12))
        return min(doubled, self.poll_interval())


def next_margin(
    deadline: datetime, margins: Iterable[timedelta], announced: datetime, now: datetime
) -> timedelta | None:
    """The margin of the next announcement of `deadline`, None when all were made or missed.

    `announced`: the instant up to which announcements were made. Of margins that lie behind `now`
    only the smallest is still worth telling.
    """
    due = sorted((margin for margin in margins if deadline - margin > announced), reverse=True)
    late = [margin for margin in due if deadline - margin <= now]
    if late and now < deadline:
        return late[-1]
    coming = [margin for margin in due if deadline - margin > now]
    return coming[0] if coming else None
