"""Partitions are there before the events that need them."""

from datetime import date

from audit_sink.application.ports import AuditStore
from dict_common.kernel.clock import Clock


def months_from(day: date, count: int) -> tuple[date, ...]:
    """The first days of `count` months, beginning with that of `day`."""
    first = day.year * 12 + day.month - 1
    return tuple(date(number // 12, number % 12 + 1, 1) for number in range(first, first + count))


class KeepMonths:
    """Makes this month and the next ones."""

    def __init__(self, store: AuditStore, clock: Clock, months_ahead: int) -> None:
        self._store = store
        self._clock = clock
        self._months_ahead = months_ahead
        self.known: frozenset[date] = frozenset()

    async def __call__(self) -> None:
        """Raises Unavailable. Refreshes `known`: rows of other months fall into DEFAULT."""
        today = self._clock.now().date()
        wanted = months_from(today, self._months_ahead + 1)
        there = await self._store.months()
        await self._store.ensure_months([month for month in wanted if month not in there])
        self.known = await self._store.months()
