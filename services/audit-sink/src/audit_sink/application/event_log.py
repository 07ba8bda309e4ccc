"""Events as a log that can be read again, from any place, by anyone, without a trace."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from audit_sink.domain.positions import Position, Published, Span

_Message = TypeVar("_Message", covariant=True)


class EventLog(Protocol[_Message]):
    """dict/events. Every method blocks and raises Unavailable."""

    async def spans(self, topics: Sequence[str], published: Published) -> list[Span]:
        """What every partition of these topics holds now, as far as it was published then.

        By entries, and with a margin on either side, for each sender has a clock of its own: a
        message outside can be among them. Partitions with nothing in it are left out.
        """

    def read(self, span: Span, after: Position | None) -> AsyncIterator[Sequence[_Message]]:
        """The messages of a span in their order, behind a place or all of them."""
