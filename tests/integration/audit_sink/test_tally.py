"""What counts as accounted for, case by case, where both sides are subtracted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from audit_sink.adapters.postgres_tally import PostgresTally, tally
from audit_sink.domain.audit_row import AuditRow, Json, canonical_json
from audit_sink.domain.positions import Position
from audit_sink.domain.reconciliation import (
    Buried,
    Difference,
    Kind,
    Place,
    Told,
    Window,
    compared_columns,
    digest_of,
)
from dict_common.kernel.errors import Unavailable
from tests.support.audit_rows import AuditWriter, audit_row
from tests.support.world import World

LETTERS = "dead-letters/audit-sink"
STEP = "workflow.step"
DAY = timedelta(days=1)
_ENTRIES = iter(range(1, 10_000))
_DAYS = iter(range(10_000))


@pytest.fixture
def window() -> Window:
    """A day of its own for each test."""
    since = datetime(2020, 1, 1, tzinfo=UTC) + next(_DAYS) * DAY
    return Window(since, since + DAY)


@asynccontextmanager
async def tallying(world: World, window: Window, *, content: bool) -> AsyncIterator[PostgresTally]:
    """A session, begun."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        url = world.environment["DICT_POSTGRES_URL"]
        async with tally(url, "operator_ro", LETTERS, content=content) as made:
            await made.begin(window)
            yield made


@dataclass(frozen=True)
class Sides:
    """What stands on the topics, in the table and in the dead letters."""

    told: tuple[Told, ...] = ()
    letters: tuple[Buried, ...] = ()
    later: tuple[Told, ...] = ()


async def all_gone(letters: Sequence[str]) -> Sequence[str]:
    """Retention has taken every letter."""
    return letters


async def none_gone(_: Sequence[str]) -> Sequence[str]:
    """Every letter is there, where it was not read."""
    return ()


async def differences(
    world: World, window: Window, sides: Sides, *, content: bool = False
) -> list[Difference]:
    """What differs; the table's side is there."""
    async with tallying(world, window, content=content) as made:
        return await subtracted(made, sides)


async def subtracted(made: PostgresTally, sides: Sides) -> list[Difference]:
    """What differs."""
    await made.add_letters(sides.letters)
    await made.add_told(sides.told)
    await made.take_rows(lambda _: None)
    await made.compare(all_gone)
    await made.add_later(sides.later)
    kinds = await made.settle()
    found = list(await made.differences(100))
    assert sum(kinds.values()) == len(found)
    return found


def place() -> Place:
    """Where no other message lies."""
    return Place(STEP, 1, Position(7, next(_ENTRIES), -1))


def row_of(window: Window, **changes: object) -> AuditRow:
    """A row in the middle of the window."""
    return audit_row(**{"occurred_at": window.since + DAY / 2, **changes})


def told_of(row: AuditRow, content: int | None = 1) -> Told:
    """A message that tells the row."""
    digest = digest_of(compared_columns(row))
    return Told(row.event_id, row.occurred_at, place(), digest, content)


def bare(told: Told) -> Told:
    """As it is told where no contents are compared, or where it cannot be read."""
    return told._replace(digest=None, content=None)


def buried(told: Told) -> Buried:
    """A letter of it."""
    return Buried(f"8:{next(_ENTRIES)}:0:-1", told.place)


async def act(world: World, letter: str, action: str, event_id: UUID | None) -> UUID:
    """What the desk notes of an operator's order; the order's id."""
    request = uuid4()
    admin = await world.connect()
    await admin.execute(
        "INSERT INTO connect.dead_letter_actions (topic, message_id, action, event_id, operator, "
        "reason, request_id, place, outcome, done_at) "
        "VALUES ($1, $2, $3, $4, 'ana', 'why', $6, 0, $5, clock_timestamp())",
        *(LETTERS, letter, action, event_id, "discarded" if action == "discard" else "redriven"),
        request,
    )
    await admin.close()
    return request


def discarding(window: Window, request: UUID, letter: str, **changes: Json) -> AuditRow:
    """The row of an order's `operator.acted`, outside the window."""
    payload: dict[str, Json] = {"verb": "DEAD_LETTERS_DISCARD", "dry_run": False}
    return row_of(
        window,
        occurred_at=window.since - DAY,
        event_subtype="operator.acted",
        aggregate_type="operator-action",
        aggregate_id=str(request),
        event_payload=canonical_json(payload | {"letters": ["1:2:3:-1", letter]} | changes),
    )


async def test_another_trace_is_the_same_event(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    await writer.write([row])
    again = row._replace(metadata=canonical_json({"traceparent": "another", "partition": 3}))
    sides = Sides((told_of(row), told_of(again)))
    assert await differences(world, window, sides, content=True) == []
    other = Sides((told_of(row), told_of(again, content=2)))
    (found,) = await differences(world, window, other, content=True)
    assert (found.kind, found.place) == (Kind.CONTENT_DIFFERS, other.told[1].place)


async def test_letter_of_the_other_content_accounts_for_it(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    await writer.write([row])
    reused = told_of(row._replace(source="x"), content=2)
    sides = Sides((told_of(row), reused), (buried(reused),))
    assert await differences(world, window, sides, content=True) == []


async def test_event_is_missing_once_however_often_it_was_sent(
    world: World, window: Window
) -> None:
    row = row_of(window)
    told = Sides(tuple(bare(told_of(row)) for _ in range(3)))
    (found,) = await differences(world, window, told)
    assert found == Difference(
        Kind.MISSING_ROW, row.event_id, row.occurred_at, told.told[0].place, STEP
    )


async def test_each_nameless_message_is_missing(world: World, window: Window) -> None:
    told = Sides(tuple(Told(None, None, place()) for _ in range(3)), ())
    found = await differences(world, window, told)
    assert [it.kind for it in found] == [Kind.MISSING_ROW] * 3
    letters = tuple(buried(it) for it in told.told[:2])
    assert len(await differences(world, window, Sides(told.told, letters))) == 1


async def test_discarded_event_is_accounted_for_without_its_letter(
    world: World, writer: AuditWriter, window: Window
) -> None:
    told = bare(told_of(row_of(window)))
    letter = buried(told)
    request = await act(world, letter.letter, "discard", told.event_id)
    assert await differences(world, window, Sides((told,), (letter,))) == []
    # Nothing in the audit says that somebody asked for it.
    forged = (
        discarding(window, uuid4(), letter.letter),
        discarding(window, request, "9:9:9:-1"),
        discarding(window, request, letter.letter, dry_run=True),
        discarding(window, request, letter.letter, verb="DEAD_LETTERS_REDRIVE"),
    )
    await writer.write(forged)
    (found,) = await differences(world, window, Sides((told,)))
    assert found.kind is Kind.MISSING_ROW
    await writer.write([discarding(window, request, letter.letter)])
    async with tallying(world, window, content=False) as made:
        await made.add_told((told,))
        counts = await made.compare(all_gone)
        assert (counts.letters["gone"], counts.letters["discarded"]) == (1, 0)
        assert await made.settle() == {}
    # An older letter, which lies where nobody read, is of another message with this id.
    async with tallying(world, window, content=False) as made:
        await made.add_told((told,))
        counts = await made.compare(none_gone)
        assert counts.letters["gone"] == 0
        assert await made.settle() == {Kind.MISSING_ROW: 1}
    # The letter is there and is of another message: this one was not discarded.
    other = Buried(letter.letter, place())
    assert len(await differences(world, window, Sides((told,), (other,)))) == 1


async def test_what_was_redriven_must_be_a_row_or_a_letter_again(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    told = bare(told_of(row))
    first, second = buried(told), buried(told)
    await act(world, first.letter, "redrive", told.event_id)
    (found,) = await differences(world, window, Sides((told,), (first,)))
    assert found.kind is Kind.MISSING_ROW
    assert await differences(world, window, Sides((told,), (first, second))) == []
    await writer.write([row])
    assert await differences(world, window, Sides((told,), (first,))) == []
    assert await differences(world, window, Sides((told,), (first, second))) == []


async def test_what_is_redriven_meanwhile_is_on_its_way(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    told = bare(told_of(row))
    letter = buried(told)
    async with tallying(world, window, content=False) as made:
        await act(world, letter.letter, "redrive", told.event_id)
        await made.add_letters((letter,))
        await made.add_told((told,))
        counts = await made.compare(all_gone)
        assert (counts.letters["under_way"], await made.settle()) == (1, {})
    await writer.write([row])
    assert await differences(world, window, Sides((told,), (letter,))) == []


async def test_dead_letter_tells_no_row(world: World, writer: AuditWriter, window: Window) -> None:
    row = row_of(window)
    await writer.write([row])
    told = bare(told_of(row))
    for content in (False, True):
        (found,) = await differences(
            world, window, Sides((told,), (buried(told),)), content=content
        )
        assert (found.kind, found.event_id) == (Kind.NO_TOPIC, row.event_id)
        assert (found.subtype, found.workflow_id) == (row.event_subtype, row.workflow_id)


async def test_message_found_later_tells_its_row_if_the_content_fits(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    await writer.write([row])
    told = told_of(row)
    assert await differences(world, window, Sides(later=(bare(told),))) == []
    assert await differences(world, window, Sides(later=(told,)), content=True) == []
    for later, kind in (
        (told_of(row._replace(source="x")), Kind.CONTENT_DIFFERS),
        (bare(told), Kind.NOT_COMPARED),
        (told._replace(event_id=uuid4()), Kind.NO_TOPIC),
    ):
        (found,) = await differences(world, window, Sides(later=(later,)), content=True)
        assert (found.kind, found.event_id) == (kind, row.event_id)


async def test_row_at_another_time_is_found_by_its_id_alone(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    await writer.write([row])
    told = bare(told_of(row._replace(occurred_at=row.occurred_at + timedelta(microseconds=1))))
    for sides in (Sides((told,)), Sides(later=(told,))):
        (found,) = await differences(world, window, sides)
        assert (found.kind, found.event_id) == (Kind.CONTENT_DIFFERS, row.event_id)
        assert found.occurred_at == row.occurred_at


async def test_message_that_cannot_be_read_is_not_compared(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window)
    await writer.write([row])
    told = bare(told_of(row))
    (found,) = await differences(world, window, Sides((told,)), content=True)
    assert (found.kind, found.place) == (Kind.NOT_COMPARED, told.place)
    assert await differences(world, window, Sides((told,))) == []


async def test_event_far_ahead_stands_where_its_own_time_says(
    world: World, writer: AuditWriter, window: Window
) -> None:
    row = row_of(window, occurred_at=window.until + 3 * DAY)
    told = bare(told_of(row))
    (found,) = await differences(world, window, Sides((told,)))
    assert found.kind is Kind.MISSING_ROW
    await writer.write([row])
    assert await differences(world, window, Sides((told,))) == []


async def test_stray_names_where_its_message_was(
    world: World, writer: AuditWriter, window: Window
) -> None:
    metadata: Json = {"topic": f"persistent://x/events/{STEP}", "message_id": "4:5:1:6"}
    known = row_of(window, metadata=canonical_json(metadata))
    unknown = row_of(window, metadata=canonical_json({"topic": 1, "message_id": [2]}))
    await writer.write([known, unknown])
    async with tallying(world, window, content=False) as made:
        await made.take_rows(lambda _: None)
        await made.compare(all_gone)
        places = {it.event_id: it.place for it in await made.strays(10)}
        assert len(await made.strays(1)) == 1
    assert places == {
        known.event_id: Place(STEP, 1, Position(4, 5, 6)),
        unknown.event_id: None,
    }


async def test_role_without_temporary_tables_is_told_what_to_do(
    world: World, window: Window
) -> None:
    name = world.environment["DICT_POSTGRES_URL"].rpartition("/")[2]
    admin = await world.connect()
    await admin.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM operator_ro")
    try:
        with pytest.raises(Unavailable, match="dictctl db roles"):
            await differences(world, window, Sides())
    finally:
        await admin.execute(f"GRANT TEMPORARY ON DATABASE {name} TO operator_ro")
        await admin.close()
