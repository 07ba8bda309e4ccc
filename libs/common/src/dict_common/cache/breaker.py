"""A circuit breaker: while a server is away, one call in a while tries it and the others do not."""

import time
from collections.abc import Callable
from enum import Enum, auto


class Admission(Enum):
    """What a caller may do."""

    CALL = auto()
    PROBE = auto()
    """The one call that finds out whether the server is back."""
    SKIP = auto()


class Breaker:
    """Opens at the first failure; for `pause_seconds` nobody calls, then one does. Never blocks."""

    def __init__(
        self, pause_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._away = False
        self._next_probe = 0.0

    def admit(self) -> Admission:
        """Asked before each call. A probe that never reports is followed by another."""
        if not self._away:
            return Admission.CALL
        now = self._monotonic()
        if now < self._next_probe:
            return Admission.SKIP
        self._next_probe = now + self._pause_seconds
        return Admission.PROBE

    def succeeded(self, admission: Admission) -> bool:
        """Whether the server is back by this.

        Only a probe brings it back: a call that began before the failure says nothing of now.
        """
        back = self._away and admission is Admission.PROBE
        self._away = self._away and not back
        return back

    def failed(self) -> bool:
        """Whether the server went away by this; False when that was known."""
        went = not self._away
        self._away = True
        self._next_probe = self._monotonic() + self._pause_seconds
        return went
