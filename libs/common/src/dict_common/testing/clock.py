"""Time and ids that a test decides."""

from datetime import UTC, datetime, timedelta
from uuid import UUID


class FixedClock:
    """Clock that stands until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        """Where it stands."""
        return self._now

    def move(self, step: timedelta) -> None:
        """Moves it forward."""
        self._now += step


class CountingIds:
    """IdSource: 1, 2, 3 … as UUIDs, so that a failure reads the same each time."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> UUID:
        """The next id."""
        self._last += 1
        return UUID(int=self._last)
