"""The audit's months in memory, and who hears of them."""

from collections.abc import Mapping
from datetime import date

from audit_sink.application.partitions import NotChanged
from dict_common.kernel.errors import Unavailable


class MemoryPartitions:
    """MonthPartitions in memory. `refusals`: what the next tries of a month end with."""

    def __init__(self, *months: date, default_rows: Mapping[date, int] | None = None) -> None:
        self.made = set(months)
        self.rows = dict(default_rows or {})
        self.refusals: dict[date, list[NotChanged | Unavailable]] = {}
        self.uncountable = False
        self.tries: list[date] = []

    async def months(self) -> frozenset[date]:
        return frozenset(self.made)

    async def ensure(self, month: date) -> bool:
        self.tries.append(month)
        if self.refusals.get(month):
            raise self.refusals[month].pop(0)
        made = month not in self.made
        self.made.add(month)
        return made

    async def default_rows(self) -> Mapping[date, int]:
        if self.uncountable:
            raise Unavailable("postgres-failed", "too slow")
        return self.rows


class MemoryWatch:
    """Remembers what it heard."""

    def __init__(self) -> None:
        self.looks: list[tuple[float, Mapping[date, int] | None]] = []
        self.missing: list[tuple[date, str]] = []

    def looked(self, horizon_days: float, default_rows: Mapping[date, int] | None) -> None:
        self.looks.append((horizon_days, default_rows))

    def not_made(self, month: date, problem: NotChanged) -> None:
        self.missing.append((month, problem.hindrance))
