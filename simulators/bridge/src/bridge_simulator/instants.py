"""Instants as DICT keeps them: UTC, cut to milliseconds, stored as whole microseconds."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

EARLIEST_US = 0
LATEST_US = 253_402_300_799_000_000
"""The end of year 9999."""


def cut(instant: datetime) -> datetime:
    """Without what lies below the millisecond."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + us * _MICROSECOND
