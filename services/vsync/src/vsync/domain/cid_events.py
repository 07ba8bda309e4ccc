"""Bacen's log of CIDs, folded: what a set has become since an instant.

The log has no numbers and no cursor. Its pages are proven instead: each carries DICT's VSync after
its first and after its last event, and every event is one XOR between them (bacen-dict 3.3).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dict_common.kernel.errors import DictError
from vsync.domain.cid import toggled


class CidEventType(StrEnum):
    """Create, completed claim: ADDED. Delete, confirmed claim: REMOVED. Update: both."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"


class CidEvent(NamedTuple):
    """A CID came into a set, or left it, at DICT's `at`."""

    type: CidEventType
    cid: bytes
    at: datetime


@dataclass(frozen=True)
class LogPage:
    """Events in DICT's order. `vsync_first` stands after the first of them, `vsync_last` after the
    last; without events both are the set's VSync before the time that was asked for."""

    events: Sequence[CidEvent]
    vsync_first: bytes
    vsync_last: bytes
    has_more: bool


class LogInconsistent(DictError):
    """The log's own VSyncs contradict its events: nothing may be concluded from it."""

    def __init__(self, detail: str) -> None:
        super().__init__("cid-log-inconsistent", detail)


class CidLog:
    """Pages of one set's log, one after the other, each asked for from the last event's instant on.

    Both ends of a time belong to it, so a page repeats the events of the border's instant.
    """

    def __init__(self) -> None:
        self._last_event: dict[bytes, CidEvent] = {}
        self._border: list[CidEvent] = []
        self.vsync: bytes | None = None
        """DICT's, after the last event; None before the first page."""
        self.count = 0
        """Events so far, each once."""

    @property
    def until(self) -> datetime | None:
        """Where the next page begins: the instant of the last event."""
        return self._border[-1].at if self._border else None

    @property
    def last_events(self) -> Collection[CidEvent]:
        """The last one of each CID."""
        return self._last_event.values()

    @property
    def active(self) -> frozenset[bytes]:
        """CIDs whose last event is ADDED: DICT has them."""
        return self._whose_last_event_is(CidEventType.ADDED)

    @property
    def gone(self) -> frozenset[bytes]:
        """CIDs whose last event is REMOVED: DICT has them no more."""
        return self._whose_last_event_is(CidEventType.REMOVED)

    def add(self, page: LogPage) -> bool:
        """Takes the next page and answers whether another one is to be asked for.

        Raises LogInconsistent where events are missing, repeated, or out of order, and where a page
        brings nothing new although more is said to follow: one instant fills whole pages.
        """
        _prove(page)
        known = self._repeated(page)
        new = page.events[known:]
        for event in new:
            self._last_event[event.cid] = event
        if new:
            self._border = [*self._border, *new]
            self._border = [it for it in self._border if it.at == new[-1].at]
        self.count += len(new)
        self.vsync = page.vsync_last
        if page.has_more and not new:
            raise LogInconsistent(f"more than {len(page.events)} events share one instant")
        return page.has_more

    def _repeated(self, page: LogPage) -> int:
        if self.vsync is None:
            return 0
        known = len(self._border)
        if list(page.events[:known]) != self._border:
            raise LogInconsistent("a page does not begin where the one before it ended")
        before_new = toggled(page.vsync_first, *(it.cid for it in page.events[1:known]))
        if before_new != self.vsync:
            raise LogInconsistent("between two pages an event is missing")
        return known

    def _whose_last_event_is(self, type_: CidEventType) -> frozenset[bytes]:
        return frozenset(cid for cid, last in self._last_event.items() if last.type is type_)


def _prove(page: LogPage) -> None:
    if toggled(page.vsync_first, *(it.cid for it in page.events[1:])) != page.vsync_last:
        raise LogInconsistent("a page's events do not lead from its first VSync to its last")
    if any(
        before.at > after.at for before, after in zip(page.events, page.events[1:], strict=False)
    ):
        raise LogInconsistent("a page is not in the order of time")
