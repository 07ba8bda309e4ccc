"""Months ahead: made, watched, and no reason to stop."""

from datetime import UTC, date, datetime

import pytest

from audit_sink.application.keep_months import LOCK_ATTEMPTS_MAX, KeepMonths
from audit_sink.application.partitions import Hindrance, NotChanged
from audit_sink.domain.months import horizon, months_between, months_from
from dict_common.kernel.errors import Unavailable
from dict_common.testing.clock import FixedClock
from tests.support.audit_partitions import MemoryPartitions, MemoryWatch

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


def test_months_cross_the_year() -> None:
    assert months_from(date(2026, 11, 30), 4) == (
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    )


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (date(2025, 11, 30), date(2026, 2, 1), 4),
        (JANUARY, JANUARY, 1),
        (FEBRUARY, JANUARY, 0),
        (date(2026, 2, 1), date(2025, 3, 1), 0),
    ],
)
def test_months_between(first: date, last: date, count: int) -> None:
    assert len(months_between(first, last)) == count


@pytest.mark.parametrize(
    ("months", "first_missing"),
    [
        ((), JANUARY),
        ((FEBRUARY,), JANUARY),
        ((JANUARY, MARCH), FEBRUARY),
        ((JANUARY, FEBRUARY, MARCH), date(2026, 4, 1)),
        (months_from(JANUARY, 12), date(2027, 1, 1)),
    ],
)
def test_horizon_ends_at_a_gap(months: tuple[date, ...], first_missing: date) -> None:
    assert horizon(NOW.date(), frozenset(months)) == first_missing


def keeping(partitions: MemoryPartitions) -> tuple[KeepMonths, MemoryWatch]:
    """Two months ahead of NOW, and who hears of it."""
    watch = MemoryWatch()
    return KeepMonths(partitions, FixedClock(NOW), 2, watch), watch


async def test_missing_months_are_made_and_told() -> None:
    partitions = MemoryPartitions(JANUARY, default_rows={date(2020, 2, 1): 3})
    keep, watch = keeping(partitions)
    await keep()
    assert partitions.tries == [FEBRUARY, MARCH]
    assert keep.known == {JANUARY, FEBRUARY, MARCH}
    assert watch.looks == [(59.5, {date(2020, 2, 1): 3})]
    assert watch.missing == []


async def test_locked_table_is_tried_again() -> None:
    partitions = MemoryPartitions(JANUARY)
    partitions.refusals[FEBRUARY] = [NotChanged(Hindrance.LOCKED, "")] * (LOCK_ATTEMPTS_MAX - 1)
    keep, watch = keeping(partitions)
    await keep()
    assert FEBRUARY in keep.known
    assert watch.missing == []


@pytest.mark.parametrize(
    ("refusals", "told"),
    [
        ([NotChanged(Hindrance.LOCKED, "")] * LOCK_ATTEMPTS_MAX, Hindrance.LOCKED),
        ([NotChanged(Hindrance.DEFAULT_HOLDS_ROWS, "")], Hindrance.DEFAULT_HOLDS_ROWS),
        ([NotChanged(Hindrance.REFUSED, "")], Hindrance.REFUSED),
        ([Unavailable("postgres-failed", "too slow")], Hindrance.UNANSWERED),
    ],
)
async def test_month_that_cannot_be_made_stops_nothing(
    refusals: list[NotChanged | Unavailable], told: Hindrance
) -> None:
    partitions = MemoryPartitions(JANUARY)
    partitions.refusals[FEBRUARY] = list(refusals)
    keep, watch = keeping(partitions)
    await keep()
    assert watch.missing == [(FEBRUARY, told)]
    assert keep.known == {JANUARY, MARCH}
    assert watch.looks == [(0.5, {})]


async def test_default_that_cannot_be_counted_stops_nothing() -> None:
    partitions = MemoryPartitions()
    partitions.uncountable = True
    keep, watch = keeping(partitions)
    await keep()
    assert watch.looks == [(59.5, None)]


async def test_database_that_is_away_is_told() -> None:
    class Away(MemoryPartitions):
        async def months(self) -> frozenset[date]:
            raise Unavailable("postgres-failed", "away")

    keep, _watch = keeping(Away())
    with pytest.raises(Unavailable):
        await keep()
