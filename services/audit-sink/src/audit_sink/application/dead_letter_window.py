"""How many dead letters are too many: then the fault is rather ours than the messages'."""

from collections import deque
from dataclasses import dataclass

SLICES = 20


@dataclass(frozen=True)
class DeadLetterLimit:
    """Both must be exceeded within `seconds`: so many letters, and this part of all messages."""

    letters_max: int
    ratio_max: float
    seconds: float


class DeadLetterWindow:
    """Counts over the last seconds; asked before each letter. `now`: seconds of a monotonic clock.

    A release that can read nothing would bury everything in minutes; so it stops after a bounded
    number, and what it holds stays unacknowledged until the window has moved on.
    """

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._slices: deque[list[float]] = deque()
        """[begin, messages, letters] of each twentieth of the window."""

    def passed(self, now: float, messages: int) -> None:
        """Messages that became rows."""
        self._slice(now)[1] += messages

    def may_bury(self, now: float) -> bool:
        """True, and counted, if one more letter is within the limit."""
        current = self._slice(now)
        messages = sum(it[1] for it in self._slices)
        letters = sum(it[2] for it in self._slices)
        limit = self._limit
        if letters >= limit.letters_max and letters + 1 > limit.ratio_max * (messages + letters):
            return False
        current[2] += 1
        return True

    def _slice(self, now: float) -> list[float]:
        length = self._limit.seconds / SLICES
        while self._slices and self._slices[0][0] <= now - self._limit.seconds:
            self._slices.popleft()
        if not self._slices or self._slices[-1][0] <= now - length:
            self._slices.append([now, 0, 0])
        return self._slices[-1]
