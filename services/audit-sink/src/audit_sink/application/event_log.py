"""Events as a log that can be read again, from any place, by anyone, without a trace."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from audit_sink.domain.positions import Position, Published, Span


class Logged(Protocol):
    """What is to be known of a message, whatever it is."""

    @property
    def message_id(self) -> str:
        """`ledger:entry:partition:batch`."""

    @property
    def published_at(self) -> datetime:
        """When its producer sent it."""


_Message = TypeVar("_Message", bound=Logged, covariant=True)


class EventLog(Protocol[_Message]):
    """dict/events. Every method blocks and raises Unavailable."""

    async def spans(self, topics: Sequence[str], published: Published) -> list[Span]:
        """What every partition of these topics holds now, as far as it was published then.

        By entries, and with a margin on either side, for each sender has a clock of its own: a
        message outside can be among them. Partitions with nothing in it are left out.
        """

    def read(self, span: Span, after: Position | None) -> AsyncGenerator[Sequence[_Message], None]:
        """The messages of a span in their order, behind a place or all of them; to be closed."""
