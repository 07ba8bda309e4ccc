"""What is asked: cut so that nothing is left out or comes twice, and refused if it is bad."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_sink.domain.criteria import Criteria, backwards, forwards
from audit_sink.domain.months import months_from
from audit_sink.entrypoints.asking import Typed, after_of, events_types
from dict_common.console.failures import CommandFailed, Exit
from dict_common.kernel.errors import InputRefused

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
INSTANTS = st.datetimes(timezones=st.just(UTC))
MONTHS = st.sets(st.sampled_from(months_from(date(2025, 11, 1), 16)), max_size=8)


@st.composite
def asked(draw: st.DrawFn) -> Criteria:
    """Any range of time, open or not, for something of which there may be much."""
    since, until = draw(st.none() | INSTANTS), draw(st.none() | INSTANTS)
    if since is not None and until is not None and since >= until:
        since, until = None, until
    return Criteria(participant="12345678", since=since, until=until)


def joins(criteria: Criteria, parts: list[Criteria]) -> None:
    """The parts, in the order of time, are the whole question: edge to edge."""
    assert (parts[0].since, parts[-1].until) == (criteria.since, criteria.until)
    for earlier, later in pairwise(parts):
        assert earlier.until == later.since
    for part in parts:
        assert part.within(criteria.since, criteria.until) == criteria


@given(asked(), INSTANTS)
def test_windows_backwards_are_the_whole_question(criteria: Criteria, now: datetime) -> None:
    joins(criteria, list(backwards(criteria, now))[::-1])


@given(asked(), MONTHS)
def test_days_forwards_are_the_whole_question(criteria: Criteria, months: set[date]) -> None:
    joins(criteria, list(forwards(criteria, months)))


def test_windows_grow_and_are_few() -> None:
    parts = list(backwards(Criteria(), NOW))
    assert parts[0] == Criteria(since=NOW - timedelta(hours=1))
    assert parts[1].since == NOW - timedelta(hours=5)
    assert len(parts) < 12
    assert (parts[-1].since, parts[-1].until) == (None, parts[-2].since)


def test_days_of_a_month_and_one_piece_elsewhere() -> None:
    parts = list(forwards(Criteria(participant="1"), {date(2026, 2, 1)}))
    assert len(parts) == 28 + 2
    assert (parts[0].since, parts[0].until) == (None, datetime(2026, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "few",
    [
        Criteria(claim="1"),
        Criteria(correlation="1"),
        Criteria(workflow="1"),
        Criteria(event=uuid4()),
        Criteria(aggregate_type="claim", aggregate_id="1"),
    ],
)
def test_what_an_index_finds_is_not_cut(few: Criteria) -> None:
    assert list(backwards(few, NOW)) == [few]
    assert list(forwards(few, set(months_from(date(2026, 1, 1), 12)))) == [few]


def test_empty_range_is_refused() -> None:
    with pytest.raises(InputRefused, match="before"):
        Criteria(since=NOW, until=NOW)


def test_what_was_typed() -> None:
    event = uuid4()
    typed = Typed(
        claim=str(event).upper(),
        participant="12345678",
        type_="claim.created",
        correlation="c",
        workflow="w",
        event=str(event),
        aggregate="operator-action/a/b",
        since="2026-01-31",
        until="2026-01-31T21:00:00-03:00",
    )
    assert typed.criteria(something=True) == Criteria(
        claim=str(event),
        participant="12345678",
        subtype="claim.created",
        correlation="c",
        workflow="w",
        event=event,
        aggregate_type="operator-action",
        aggregate_id="a/b",
        since=datetime(2026, 1, 31, tzinfo=UTC),
        until=datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert Typed(type_="STARTED").criteria(something=True) == Criteria(event_type="STARTED")
    assert Typed().criteria(something=False) == Criteria()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "at least one option"),
        ({"claim": "1"}, "--claim must be a UUID"),
        ({"event": "1"}, "--event must be a UUID"),
        ({"participant": "123"}, "ISPB"),
        ({"type_": "claim.create"}, "claim.created"),
        ({"type_": "started"}, "STARTED"),
        ({"type_": "TIMER"}, "TIMER_FIRED"),
        ({"type_": "§"}, "workflow.step"),
        ({"aggregate": "claim"}, "TYPE/ID"),
        ({"aggregate": "/1"}, "TYPE/ID"),
        ({"correlation": "x" * 101}, "at most 100"),
        ({"workflow": "a\nb"}, "printable"),
        ({"workflow": "\udcff"}, "printable"),
        ({"since": "yesterday"}, "--from must be a date"),
        ({"since": "2026-01-31T12:00:00"}, "with its zone"),
        ({"until": "2026-02-30"}, "--to must be a date"),
        ({"since": "0001-01-01T00:00:00+12:00"}, "--from must be a date"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "--from must be before --to"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(typed: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        Typed(**typed).criteria(something=True)
    assert (failed.value.code, said in failed.value.message) == (Exit.USAGE, True)
    assert failed.value.next_step


def test_page_follows_an_event() -> None:
    assert after_of("") is None
    assert after_of(str(UUID(int=1))) == UUID(int=1)
    with pytest.raises(CommandFailed, match="--after must be a UUID"):
        after_of("1")


def test_types_are_those_of_the_topics() -> None:
    subtypes, event_types = events_types()
    assert "claim.created" in subtypes
    assert "claim.create" not in subtypes
    assert {"STARTED", "TIMER_FIRED", "UPDATE_REFUSED"} <= set(event_types)
    assert not any(name.startswith("field:") for name in event_types)
