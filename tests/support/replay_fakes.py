"""Fakes of a replay: a log of numbers, runs and rows in one memory, a kill at any step."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from audit_sink.application.ports import Candidate, Decoded, Poison, RowRefused
from audit_sink.application.replay_piece import Step
from audit_sink.application.replay_ports import Run, TakenAway
from audit_sink.application.write_batch import reused
from audit_sink.domain.positions import Position, Published, Span
from audit_sink.domain.replay import State
from dict_common.kernel.errors import Unavailable, Undeliverable
from tests.support.audit_rows import audit_row

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PIECE = 5
"""Messages that are read together."""
JUNK, REFUSED, RIVAL = -1, -2, 100
"""What a message may hold beside the number of its event: nothing to read, a row to refuse, and
below -100 the event of the number that is left, with another content."""


@dataclass(frozen=True)
class Message:
    """Of one event; two to an entry of the broker, as a producer's batch."""

    event: int
    message_id: str
    published_at: datetime = EPOCH


def messages(*events: int, partition: int = 0) -> list[Message]:
    """One after the other."""
    return [
        Message(event, f"7:{place // 2}:{partition}:{place % 2}")
        for place, event in enumerate(events)
    ]


def span_of(topic: str, found: Sequence[Message], partition: int = 0) -> Span:
    """All of them."""
    last = Position.parse(found[-1].message_id)._replace(batch=-1)
    entries = len({Position.parse(it.message_id).of_entry for it in found})
    return Span(topic, partition, Position(7, 0, -1), last, entries, 100 * len(found))


@dataclass
class InMemoryEventLog:
    """EventLog over lists, by topic and partition."""

    topics: dict[tuple[str, int], list[Message]]
    away: int = 0

    async def spans(self, topics: Sequence[str], _published: Published) -> list[Span]:
        """All that is there."""
        return [
            span_of(topic, found, partition)
            for (topic, partition), found in self.topics.items()
            if topic in topics and found
        ]

    async def read(
        self, span: Span, after: Position | None
    ) -> AsyncGenerator[Sequence[Message], None]:
        """In pieces of five."""
        left = [
            it
            for it in self.topics[span.topic, span.partition]
            if after is None or Position.parse(it.message_id) > after
        ]
        for begin in range(0, len(left), PIECE):
            if self.away:
                self.away -= 1
                raise Unavailable("pulsar-failed", "away")
            yield left[begin : begin + PIECE]


class NumberDecoder:
    """An event's number makes its id; the content of each is the same."""

    async def decode(self, found: Sequence[Message]) -> Decoded:
        """Junk is poison."""
        candidates = [
            Candidate(place, audit_row(event_id=UUID(int=abs(it.event) % RIVAL)), it.event)
            for place, it in enumerate(found)
            if it.event != JUNK
        ]
        junk = Undeliverable("undecodable", "junk")
        poison = [Poison(place, junk) for place, it in enumerate(found) if it.event == JUNK]
        return Decoded(candidates, poison)


@dataclass
class SpanRow:
    """A row of connect.replay_spans."""

    span: Span
    position: Position | None = None
    done: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class RunRow:
    """A row of connect.replays."""

    run: Run
    state: State = State.RUNNING
    holder: UUID | None = None
    planned: bool = False
    waits_for: str | None = None
    seconds: float = 0.0
    spans: list[SpanRow] = field(default_factory=list)


@dataclass
class InMemoryReplayRuns:
    """ReplayRuns; `rows` is the audit or the sandbox: event to how often it was stored."""

    runs: dict[UUID, RunRow] = field(default_factory=dict)
    rows: Counter[int] = field(default_factory=Counter)
    contents: dict[int, int] = field(default_factory=dict)
    """The gate: which content of an event stands."""
    busy: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody asked, and no run is to be worked on."""

    def ask(self, *topics: str, published: Published | None = None) -> RunRow:
        """A run that nobody holds yet."""
        id_ = UUID(int=1_000 + len(self.runs))
        run = Run(id_, UUID(int=0), topics, published or Published(), sandbox=True, planned=False)
        return self.runs.setdefault(id_, RunRow(run))

    def expire(self) -> None:
        """The time of whoever held something is over."""
        for row in self.runs.values():
            row.holder = None

    async def claim(self, holder: UUID) -> Run | None:
        """The oldest that nobody holds."""
        for row in self.runs.values():
            if row.state is State.RUNNING and row.holder is None:
                row.holder = holder
                return replace(row.run, holder=holder, planned=row.planned)
        if all(row.state is not State.RUNNING for row in self.runs.values()):
            self.idle.set()
        return None

    async def hold(self, run: Run, seconds: float, waits_for: str | None) -> None:
        """Noted."""
        row = self._mine(run)
        row.seconds += seconds
        row.waits_for = waits_for

    async def release(self, run: Run) -> None:
        """If it is the holder's."""
        if self.runs[run.id].holder == run.holder:
            self.runs[run.id].holder = None

    async def plan(self, run: Run, spans: Sequence[Span]) -> None:
        """Once."""
        row = self._mine(run)
        if row.planned:
            raise TakenAway
        row.planned = True
        row.spans = [SpanRow(span) for span in spans]

    async def open_spans(self, run: Run) -> list[Span]:
        """Those that are not done."""
        return [row.span for row in self.runs[run.id].spans if not row.done]

    async def position(self, run: Run, span: Span) -> Position | None:
        """How far it is."""
        return self._span(run, span).position

    async def apply(self, run: Run, step: Step) -> None:
        """All of it or nothing."""
        self._mine(run)
        row = self._span(run, step.span)
        if row.position != step.before:
            raise TakenAway
        if any(it.content_digest == REFUSED for it in step.candidates):
            raise RowRefused("22P05")
        new = 0
        for it in step.candidates:
            if it.row.event_id.int not in self.contents:
                self.contents[it.row.event_id.int] = it.content_digest
                self.rows[it.row.event_id.int] += 1
                new += 1
        other = [
            reused(it)
            for it in step.candidates
            if self.contents[it.row.event_id.int] != it.content_digest
        ]
        poison = (*step.poison, *other)
        row.position = step.position
        row.counts.update(
            entries=step.entries,
            messages=step.messages,
            outside=step.outside,
            new=new,
            duplicates=len(step.candidates) - new - len(other),
            refused=len(poison),
        )
        row.refusals += [(step.message_ids[it.place], it.error.reason_code) for it in poison]

    async def span_done(self, run: Run, span: Span) -> None:
        """Noted."""
        self._mine(run)
        self._span(run, span).done = True

    async def complete(self, run: Run) -> None:
        """If nothing is left."""
        row = self._mine(run)
        if not row.planned or not all(span.done for span in row.spans):
            raise TakenAway
        row.state = State.COMPLETED

    async def drop_sandboxes(self) -> int:
        """None is ever left, or one that somebody reads."""
        if self.busy:
            raise Unavailable("postgres-failed", "lock timeout")
        return 0

    def _mine(self, run: Run) -> RunRow:
        row = self.runs[run.id]
        if row.state is not State.RUNNING or row.holder != run.holder:
            raise TakenAway
        return row

    def _span(self, run: Run, span: Span) -> SpanRow:
        (row,) = [row for row in self.runs[run.id].spans if row.span == span]
        return row
