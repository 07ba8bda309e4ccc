"""What `dictctl audit reconcile` asks of topics, dead letters and table."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from audit_sink.application.event_log import EventLog, Logged
from audit_sink.domain.evidence import Columns
from audit_sink.domain.positions import Span
from audit_sink.domain.reconciliation import Buried, Difference, Kind, Place, Told, Window

_Message = TypeVar("_Message", bound=Logged, covariant=True)
_Read = TypeVar("_Read", contravariant=True)


@dataclass(frozen=True)
class Asked:
    """What is to be reconciled, and how patiently."""

    window: Window
    wait_seconds: float
    """For a sink that has not yet acknowledged what stands on the topics."""
    shown_max: int
    """Of each kind of difference; all are counted."""
    declared: tuple[str, ...]
    """The topics of events that this release knows."""


@dataclass(frozen=True)
class Progress:
    """How far a subscription is on a topic."""

    topic: str
    behind: int
    """Messages; 0 also where there is no such subscription."""
    consumers: int


class SinkBehind(Exception):
    """The sink has not acknowledged what was on the topics when it was asked."""

    def __init__(self, progress: Sequence[Progress]) -> None:
        super().__init__(f"{len(progress)} topics")
        self.progress = progress


class SinkLog(EventLog[_Message], Protocol[_Message]):
    """One namespace's topics, and how far the sink is with them. Raises Unavailable."""

    async def topics(self) -> Mapping[str, int]:
        """Name and number of partitions of whatever the broker has; 0: it has none."""

    async def passed(self, subscription: str, spans: Sequence[Span]) -> list[Span]:
        """Those whose every entry a subscription has acknowledged."""

    async def progress(self, subscription: str, topic: str) -> Progress:
        """How far it is."""


class SinkLetters(Protocol):
    """The sink's own dead letters, where they lie."""

    def walk(self, since: datetime) -> AsyncGenerator[Sequence[Buried], None]:
        """Those published since, of messages of dict/events. Raises Unavailable."""

    async def gone(self, letters: Sequence[str]) -> Sequence[str]:
        """Those of them that lie there no more, whenever they came. Raises Unavailable."""

    @property
    def cut_off(self) -> Sequence[str]:
        """Partitions whose last letter is not whole, so that they were not read to their end."""


Gone = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Which of these letters lie on their topic no more."""


class Telling(Protocol[_Read]):
    """Out of messages what is compared."""

    async def told(self, messages: Sequence[_Read], window: Window | None) -> Sequence[Told]:
        """Those of the window, or all. Raises Unavailable when a look-up fails."""

    async def columns(self, message: _Read) -> Columns | None:
        """The compared columns of the row that it should be; None if this release cannot tell."""


class Stray(NamedTuple):
    """A row that no message of the window tells; `place`: where it says that it was."""

    event_id: UUID
    occurred_at: datetime
    place: Place | None


@dataclass(frozen=True)
class Counts:
    """What was laid side by side. `events`: distinct ids of messages."""

    messages: int
    events: int
    rows: int
    letters: Mapping[str, int]
    """Of the window's messages, by open, redriven, under_way (back to the sink), discarded; gone:
    discarded, and taken since."""


class Tally(Protocol):
    """Both sides of one window in one session of PostgreSQL, gone with it. Raises Unavailable."""

    async def begin(self, window: Window) -> None:
        """Empty. What operators have done with letters by now is taken for done."""

    async def add_letters(self, letters: Sequence[Buried]) -> None:
        """The dead letters."""

    async def add_told(self, told: Sequence[Told]) -> None:
        """Messages that are to be accounted for."""

    async def take_rows(self, seen: Callable[[int], None]) -> None:
        """The table's side as it is now; `seen` hears how many rows."""

    async def compare(self, gone: Gone) -> Counts:
        """Finds what differs, and rows that no message tells."""

    async def strays(self, limit: int, skipped: int = 0) -> Sequence[Stray]:
        """Rows that no message tells, in an order that stays, behind the first so many of them."""

    async def add_later(self, told: Sequence[Told]) -> None:
        """Messages found elsewhere, which may tell such rows."""

    async def settle(self) -> Mapping[Kind, int]:
        """The strays that nothing tells differ too; how much of each kind there is."""

    async def differences(self, limit: int) -> Sequence[Difference]:
        """At most so many of each kind, by time."""

    async def columns(self, event_id: UUID, occurred_at: datetime) -> Columns | None:
        """The compared columns of a row; None if there is none, or more than one."""


@dataclass(frozen=True)
class Reconciled:
    """What came of it."""

    counts: Counts
    differences: Mapping[Kind, int]
    shown: Sequence[Difference]

    @property
    def equal(self) -> bool:
        """Topics and table tell the same."""
        return not self.differences
