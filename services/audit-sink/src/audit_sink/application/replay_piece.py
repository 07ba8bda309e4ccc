"""Messages of one span on their way into the table: what one transaction stores, or its halves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from audit_sink.application.event_log import Logged
from audit_sink.application.ports import Candidate, Decoded, Poison, RowRefused
from audit_sink.application.write_batch import refused
from audit_sink.domain.positions import Position, Published, Span


@dataclass(frozen=True)
class Step:
    """One transaction: how far it brings a span, and with what.

    `entries`: of the broker, that begin in it.
    """

    span: Span
    message_ids: Sequence[str]
    before: Position | None
    position: Position
    entries: int
    messages: int
    outside: int
    candidates: Sequence[Candidate]
    poison: Sequence[Poison]


@dataclass(frozen=True)
class Piece:
    """Messages `begin` to `end` of those that were read together; places count from the first.

    `outside`: places of messages that were published outside what is asked for.
    """

    span: Span
    message_ids: Sequence[str]
    begin: int
    end: int
    candidates: Sequence[Candidate]
    poison: Sequence[Poison]
    outside: Sequence[int]

    @classmethod
    def of(
        cls, span: Span, messages: Sequence[Logged], decoded: Decoded, published: Published
    ) -> Self:
        """All of what was read together."""
        outside = [
            place for place, it in enumerate(messages) if not published.holds(it.published_at)
        ]
        left_out = set(outside)
        return cls(
            span=span,
            message_ids=[it.message_id for it in messages],
            begin=0,
            end=len(messages),
            candidates=[it for it in decoded.candidates if it.place not in left_out],
            poison=[it for it in decoded.poison if it.place not in left_out],
            outside=outside,
        )

    @property
    def position(self) -> Position:
        """Of its last message."""
        return Position.parse(self.message_ids[self.end - 1])

    def step(self, before: Position | None) -> Step:
        """From where its span is to its last message."""
        ids = self.message_ids[self.begin : self.end]
        entries = {Position.parse(id_).of_entry for id_ in ids}
        return Step(
            span=self.span,
            message_ids=self.message_ids,
            before=before,
            position=self.position,
            entries=len(entries - ({before.of_entry} if before else set())),
            messages=len(ids),
            outside=len(self.outside),
            candidates=self.candidates,
            poison=self.poison,
        )

    def halves(self, error: RowRefused) -> "tuple[Piece, ...]":
        """After the database refused it. Raises RowRefused if no row can be the reason."""
        if not self.candidates:
            raise error
        if len(self.candidates) == 1:
            found = (*self.poison, refused(self.candidates[0], error))
            return (replace(self, candidates=(), poison=found),)
        middle = self.candidates[len(self.candidates) // 2].place
        return self._part(self.begin, middle), self._part(middle, self.end)

    def _part(self, begin: int, end: int) -> "Piece":
        return replace(
            self,
            begin=begin,
            end=end,
            candidates=[it for it in self.candidates if begin <= it.place < end],
            poison=[it for it in self.poison if begin <= it.place < end],
            outside=[place for place in self.outside if begin <= place < end],
        )
