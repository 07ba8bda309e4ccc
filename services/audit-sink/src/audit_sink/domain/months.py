"""Months as dates: each is its first day, UTC."""

from collections.abc import Set as AbstractSet
from datetime import date


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after it. Raises ValueError after December 9999."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_from(day: date, count: int) -> tuple[date, ...]:
    """The first days of `count` months, beginning with that of `day`."""
    first = day.year * 12 + day.month - 1
    return tuple(date(number // 12, number % 12 + 1, 1) for number in range(first, first + count))


def months_between(first: date, last: date) -> tuple[date, ...]:
    """Every month from that of one day to that of another; none if they stand the other way."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return months_from(first, max(0, count))


def horizon(today: date, months: AbstractSet[date]) -> date:
    """The first day that no month holds, from today's month on: a gap ends what can be relied on.

    Today's month itself, if it is missing.
    """
    month = month_of(today)
    while month in months:
        month = next_month(month)
    return month
