"""Partitions are there before the events that need them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Protocol

from audit_sink.application.partitions import Hindrance, MonthPartitions, NotChanged
from audit_sink.domain.months import horizon, months_from
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import Unavailable

LOCK_ATTEMPTS_MAX = 3
_DAY_SECONDS = 86_400


class PartitionWatch(Protocol):
    """Who hears how the months stand."""

    def looked(self, horizon_days: float, default_rows: Mapping[date, int] | None) -> None:
        """Days until no partition is left, and the rows in DEFAULT; None: not counted this time."""

    def not_made(self, month: date, problem: NotChanged) -> None:
        """The month is missing and its rows fall into DEFAULT until it is there."""


class KeepMonths:
    """Makes this month and the next ones, and tells how they stand.

    A month that cannot be made stops nothing: its rows are safe in DEFAULT, and it is tried again
    the next time.
    """

    def __init__(
        self,
        partitions: MonthPartitions,
        clock: Clock,
        months_ahead: int,
        watch: PartitionWatch,
    ) -> None:
        self._partitions = partitions
        self._clock = clock
        self._months_ahead = months_ahead
        self._watch = watch
        self.known: frozenset[date] = frozenset()

    async def __call__(self) -> None:
        """Raises Unavailable. Refreshes `known`: rows of other months fall into DEFAULT."""
        now = self._clock.now()
        there = await self._partitions.months()
        for month in months_from(now.date(), self._months_ahead + 1):
            if month not in there:
                await self._make(month)
        self.known = await self._partitions.months()
        self._watch.looked(_days_left(now, self.known), await self._default_rows())

    async def _make(self, month: date) -> None:
        for attempt in range(1, LOCK_ATTEMPTS_MAX + 1):
            try:
                await self._partitions.ensure(month)
            except NotChanged as problem:
                if problem.hindrance is Hindrance.LOCKED and attempt < LOCK_ATTEMPTS_MAX:
                    continue
                self._watch.not_made(month, problem)
            except Unavailable as error:  # is it away, the next look at the months says so
                self._watch.not_made(month, NotChanged(Hindrance.UNANSWERED, error.detail))
            return

    async def _default_rows(self) -> Mapping[date, int] | None:
        """None where the count fails: a DEFAULT too large to be counted in time is no outage."""
        try:
            return await self._partitions.default_rows()
        except Unavailable:
            return None


def _days_left(now: datetime, months: frozenset[date]) -> float:
    end = datetime.combine(horizon(now.date(), months), time(), UTC)
    return max(0.0, (end - now).total_seconds() / _DAY_SECONDS)
