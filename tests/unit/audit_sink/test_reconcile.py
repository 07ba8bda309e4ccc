"""Reconciling on fakes: in which order both sides are read, and how far is looked before alarm."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from audit_sink.application import reconcile
from audit_sink.application.reconcile import Reconcile, Sides
from audit_sink.application.reconciliation import (
    Asked,
    Counts,
    Gone,
    Progress,
    Reconciled,
    SinkBehind,
    Stray,
)
from audit_sink.domain.evidence import Columns, framed_columns
from audit_sink.domain.positions import Position, Published, Span
from audit_sink.domain.reconciliation import (
    Buried,
    Difference,
    Kind,
    Place,
    Told,
    Window,
    compared_columns,
)
from dict_common.kernel.errors import Unavailable
from tests.support.audit_rows import audit_row

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
MADE, ENDED = "claim.created", "claim.failed"


class Note(NamedTuple):
    """A message, as far as these tests know one."""

    event_id: UUID
    place: Place
    message_id: str = ""
    published_at: datetime = NOW


def note(topic: str, partition: int, entry: int, event_id: UUID | None = None) -> Note:
    return Note(event_id or uuid4(), Place(topic, partition, Position(1, entry, -1)))


@dataclass
class MemoryLog:
    """SinkLog in memory; `steps` remembers who was asked what."""

    steps: list[str]
    name: str
    there: dict[str, int] = field(default_factory=dict)
    messages: list[Note] = field(default_factory=list)
    arriving: list[Note] = field(default_factory=list)
    """Published between the first look at the ends and the second."""
    looks_until_passed: int = 0
    broken: bool = False
    opened: int = 0
    closed: int = 0

    async def topics(self) -> Mapping[str, int]:
        return self.there

    async def spans(self, topics: Sequence[str], published: Published) -> list[Span]:
        self.steps.append(f"{self.name} ends")
        assert published == WINDOW.published
        spans = []
        for topic, partition in sorted(
            {(it.place.topic, it.place.partition) for it in self.messages}
        ):
            if topic in topics:
                mine = [it for it in self.messages if it.place[:2] == (topic, partition)]
                last = max(it.place.position for it in mine)
                spans.append(Span(topic, partition, Position(1, 0, -1), last, len(mine), 1))
        self.messages = [*self.messages, *self.arriving]
        return spans

    async def passed(self, _subscription: str, spans: Sequence[Span]) -> list[Span]:
        self.steps.append(f"{self.name} passed")
        self.looks_until_passed -= 1
        return [] if self.looks_until_passed >= 0 else list(spans)

    async def progress(self, _subscription: str, topic: str) -> Progress:
        return Progress(topic, 7, 1)

    async def read(
        self, span: Span, after: Position | None
    ) -> AsyncGenerator[Sequence[Note], None]:
        self.steps.append(f"read {span.topic}-{span.partition} {after} {span.last}")
        self.opened += 1
        try:
            if self.broken:
                raise Unavailable("pulsar-failed", "gone")
            for it in self.messages:
                position = it.place.position
                if it.place[:2] != (span.topic, span.partition) or position < span.first:
                    continue
                if position <= span.last and (after is None or position > after):
                    yield [it]
        finally:
            self.closed += 1


@dataclass
class MemoryLetters:
    """SinkLetters in memory."""

    steps: list[str]
    buried: list[Buried] = field(default_factory=list)
    cut_off: Sequence[str] = ()

    async def gone(self, letters: Sequence[str]) -> Sequence[str]:
        held = {it.letter for it in self.buried}
        return [it for it in letters if it not in held]

    async def walk(self, since: datetime) -> AsyncGenerator[Sequence[Buried], None]:
        self.steps.append("letters")
        assert WINDOW.published.since is not None
        assert since == WINDOW.published.since - reconcile.LETTERS_BEFORE
        if self.buried:
            yield self.buried


class Telling:
    """Everything counts, nothing is decoded."""

    readable = True

    async def told(self, messages: Sequence[Note], _window: Window | None) -> Sequence[Told]:
        return [Told(it.event_id, NOW, it.place) for it in messages]

    async def columns(self, _message: Note) -> Columns | None:
        return framed_columns(audit_row()) if self.readable else None


@dataclass
class MemoryTally:
    """Tally that subtracts ids, and remembers what it was given."""

    steps: list[str]
    rows: dict[UUID, Place | None] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    letters: list[Buried] = field(default_factory=list)
    later: list[Told] = field(default_factory=list)
    differs: list[Difference] = field(default_factory=list)
    stored: Columns | None = None

    async def begin(self, window: Window) -> None:
        self.steps.append("begin")
        assert window == WINDOW

    async def add_letters(self, letters: Sequence[Buried]) -> None:
        self.letters += letters

    async def add_told(self, told: Sequence[Told]) -> None:
        self.told += told

    async def take_rows(self, seen: Callable[[int], None]) -> None:
        self.steps.append("rows")
        seen(len(self.rows))

    async def compare(self, gone: Gone) -> Counts:
        assert await gone([]) == []
        return Counts(len(self.told), len(self.told), len(self.rows), {"open": len(self.letters)})

    async def strays(self, limit: int, skipped: int = 0) -> Sequence[Stray]:
        known = {it.event_id for it in (*self.told, *self.later)}
        left = [Stray(id_, NOW, it) for id_, it in self.rows.items() if id_ not in known]
        return left[skipped : skipped + limit]

    async def add_later(self, told: Sequence[Told]) -> None:
        self.later += told

    async def settle(self) -> Mapping[Kind, int]:
        strays = await self.strays(10**6)
        self.differs += [Difference(Kind.NO_TOPIC, it.event_id) for it in strays]
        kinds = [it.kind for it in self.differs]
        return {kind: kinds.count(kind) for kind in set(kinds)}

    async def differences(self, limit: int) -> Sequence[Difference]:
        return self.differs[:limit]

    async def columns(self, _event_id: UUID, _occurred_at: datetime) -> Columns | None:
        return self.stored


@dataclass
class Scene:
    """All sides."""

    steps: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    wait_seconds: float = 60.0

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.steps, "events", {MADE: 2, ENDED: 1})
        self.redrives = MemoryLog(self.steps, "redrives")
        self.letters = MemoryLetters(self.steps)
        self.telling = Telling()
        self.tally = MemoryTally(self.steps)

    async def reconciled(self) -> Reconciled:
        sides = Sides(self.log, self.redrives, self.letters, self.telling, self.tally)
        asked = Asked(WINDOW, self.wait_seconds, 100, (MADE, ENDED))
        return await asyncio.wait_for(Reconcile(sides, self.said.append)(asked), 30)

    def holds(self, *notes: Note, rows: bool = True) -> None:
        """On the topics, and in the table."""
        self.log.messages += notes
        if rows:
            self.tally.rows |= {it.event_id: it.place for it in notes}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(reconcile, "POLL_SECONDS", 0)
    return Scene()


async def test_sink_has_acknowledged_before_letters_and_rows_are_read(scene: Scene) -> None:
    scene.holds(note(MADE, 0, 1), note(MADE, 1, 1), note(ENDED, 0, 4))
    scene.redrives.messages = [note("audit-sink.redrive", 0, 1)]
    scene.letters.buried = [Buried("1:1:0:-1", scene.log.messages[0].place)]
    found = await scene.reconciled()
    assert found.equal
    assert scene.steps == [
        *("begin", "events ends", "redrives ends", "events passed", "redrives passed", "letters"),
        *("read claim.created-0 None 1:1:-1", "read claim.created-1 None 1:1:-1"),
        *("read claim.failed-0 None 1:4:-1", "rows"),
    ]
    assert found.counts == Counts(3, 3, 3, {"open": 1})
    assert scene.said == []


async def test_sink_is_waited_for(scene: Scene) -> None:
    scene.holds(note(MADE, 0, 1))
    scene.log.looks_until_passed = 3
    assert (await scene.reconciled()).equal
    assert scene.steps.count("events passed") == 4
    assert scene.said == ["waiting for the sink: 1 partitions"]


@pytest.mark.parametrize("late", ["log", "redrives"])
async def test_sink_that_stays_behind_is_told_by_topic(scene: Scene, late: str) -> None:
    scene.wait_seconds = 0
    scene.holds(note(MADE, 0, 1), note(MADE, 1, 1))
    scene.redrives.messages = [note("audit-sink.redrive", 0, 1)]
    getattr(scene, late).looks_until_passed = 10**6
    with pytest.raises(SinkBehind) as behind:
        await scene.reconciled()
    name = MADE if late == "log" else "audit-sink.redrive"
    assert behind.value.progress == [Progress(name, 7, 1)]
    assert "rows" not in scene.steps


async def test_row_of_what_was_published_since_is_no_difference(scene: Scene) -> None:
    scene.holds(note(MADE, 0, 1), note(MADE, 0, 2))
    scene.log.arriving = [note(MADE, 0, 3), note(ENDED, 0, 1)]
    scene.tally.rows |= {it.event_id: it.place for it in scene.log.arriving}
    assert (await scene.reconciled()).equal
    behind_entry = f"1:2:{reconcile.WHOLE_ENTRY}"
    assert scene.steps[-3:] == [
        "events ends",
        f"read claim.created-0 {behind_entry} 1:3:-1",
        "read claim.failed-0 None 1:1:-1",
    ]


async def test_nothing_is_read_on_where_nothing_is_missing(scene: Scene) -> None:
    scene.holds(note(MADE, 0, 1))
    scene.log.arriving = [note(MADE, 0, 2)]
    assert (await scene.reconciled()).equal
    assert scene.steps[-1] == "rows"


def hide(scene: Scene, *notes: Note) -> None:
    """On the topics, in partitions whose spans tell nothing of the window."""
    spans, hidden = scene.log.spans, {it.place.partition for it in notes}

    async def without(topics: Sequence[str], published: Published) -> list[Span]:
        return [span for span in await spans(topics, published) if span.partition not in hidden]

    scene.log.messages += notes
    scene.log.spans = without  # type: ignore[method-assign]


async def test_row_is_looked_for_where_it_says_its_message_is(scene: Scene) -> None:
    scene.holds(note(MADE, 0, 5))
    old = note(MADE, 1, 2)
    scene.tally.rows[old.event_id] = old.place
    hide(scene, old)
    assert (await scene.reconciled()).equal


async def test_every_row_is_looked_for_however_many_there_are(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "LOOKED_UP_AT_ONCE", 3)
    old, forged = [note(MADE, 1, number) for number in range(8)], [uuid4() for _ in range(4)]
    for number, it in enumerate(old):
        scene.tally.rows[it.event_id] = it.place
        if number % 2:
            scene.tally.rows[forged[number // 2]] = Place(MADE, 1, Position(9, number, -1))
    hide(scene, *old)
    found = await scene.reconciled()
    assert found.differences == {Kind.NO_TOPIC: 4}
    assert {it.event_id for it in found.shown} == set(forged)


@pytest.mark.parametrize(
    "place",
    [
        None,
        Place("no.such", 0, Position(1, 1, -1)),
        Place(MADE, 2, Position(1, 1, -1)),
        Place(MADE, 0, Position(1, 9, -1)),
        Place(MADE, 0, Position(1, 5, -1)),
    ],
)
async def test_row_that_is_not_where_it_says_differs(scene: Scene, place: Place | None) -> None:
    scene.holds(note(MADE, 0, 5))
    stray = uuid4()
    scene.tally.rows[stray] = place
    found = await scene.reconciled()
    assert not found.equal
    assert found.differences == {Kind.NO_TOPIC: 1}
    assert [it.event_id for it in found.shown] == [stray]


async def test_topics_are_the_brokers(scene: Scene) -> None:
    scene.log.there = {MADE: 1, "stranger.made": 1, "loose": 0}
    scene.holds(note("stranger.made", 0, 1))
    found = await scene.reconciled()
    assert "read stranger.made-0 None 1:1:-1" in scene.steps
    assert found.differences == {Kind.TOPIC_UNREAD: 1}
    assert found.shown == [Difference(Kind.TOPIC_UNREAD, subtype="loose")]
    assert scene.said == ["the broker has no events/claim.failed: nothing can be on it"]


async def test_partition_of_letters_that_ends_in_half_a_message_is_told(scene: Scene) -> None:
    scene.letters.cut_off = ["dead-letters/audit-sink-partition-1"]
    await scene.reconciled()
    assert scene.said == [
        "dead-letters/audit-sink-partition-1 ends in half a message: "
        "its sender died while it wrote it"
    ]


async def test_reader_that_fails_ends_all_and_every_reader_is_closed(scene: Scene) -> None:
    scene.holds(*(note(MADE, partition, 1) for partition in range(9)))
    scene.log.broken = True
    with pytest.raises(Unavailable):
        await scene.reconciled()
    assert 1 <= scene.log.opened == scene.log.closed
    assert "rows" not in scene.steps


async def test_columns_that_differ_are_named(scene: Scene) -> None:
    message = note(MADE, 0, 1)
    scene.holds(message)
    row = audit_row()
    scene.tally.stored = framed_columns(row)
    scene.tally.differs = [Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW, message.place)]
    (shown,) = (await scene.reconciled()).shown
    assert {"event_id", "workflow_id"} <= set(shown.columns)
    assert "event_payload" not in shown.columns


async def test_columns_are_left_open_where_they_cannot_be_told(scene: Scene) -> None:
    message = note(MADE, 0, 1)
    scene.holds(message)
    scene.tally.differs = [
        Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW, message.place),
        Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW),
        Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW, Place(MADE, 0, Position(1, 9, -1))),
    ]
    found = await scene.reconciled()
    assert [it.columns for it in found.shown] == [(), (), ()]
    assert compared_columns(audit_row()) != ()


async def test_time_that_differs_is_named_though_no_contents_are_compared(scene: Scene) -> None:
    message = note(MADE, 0, 1)
    scene.holds(message)
    scene.telling.readable = False
    scene.tally.differs = [
        Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW - timedelta(days=1), message.place),
        Difference(Kind.CONTENT_DIFFERS, message.event_id, NOW, message.place),
    ]
    found = await scene.reconciled()
    assert [it.columns for it in found.shown] == [("occurred_at",), ()]


async def test_long_runs_say_how_far_they_are(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "TELL_SECONDS", 0)
    scene.holds(note(MADE, 0, 1), note(MADE, 0, 2))
    await scene.reconciled()
    assert scene.said == [
        "1 messages read, of 2 or more",
        "2 messages read, of 2 or more",
        "2 rows taken",
    ]
