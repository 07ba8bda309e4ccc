"""Time is an argument: whoever needs "now" is given a Clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time in UTC. Never blocks, never raises."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z: Avro's timestamp-micros, exact (no float between).

    Raises ValueError for a naive datetime: a time without zone is a guess.
    """
    if instant.tzinfo is None:
        raise ValueError("a time needs its zone: pass an aware datetime")
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant of a timestamp-micros. Raises OverflowError beyond year 9999."""
    return _EPOCH + timedelta(microseconds=micros)


def from_rfc3339(text: str) -> datetime | None:
    """The instant in UTC of a time with its zone; None for whatever is none."""
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def to_rfc3339(instant: datetime) -> str:
    """CloudEvents' `time`: UTC, always six digits of fraction, so that texts sort as instants."""
    return instant.astimezone(UTC).isoformat("T", "microseconds")[:-6] + "Z"
