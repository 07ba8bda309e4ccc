"""Pages of Bacen's log, from a made-up DICT that cuts them as Bacen does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.cid import CID_BYTES, EMPTY_VSYNC, toggled, vsync_of
from vsync.domain.cid_events import CidEvent, CidEventType, CidLog, LogInconsistent, LogPage

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ADDED, REMOVED = CidEventType.ADDED, CidEventType.REMOVED


def _cid(number: int) -> bytes:
    return number.to_bytes(CID_BYTES)


def _page(
    events: Sequence[CidEvent], since: datetime, limit: int, before: bytes = EMPTY_VSYNC
) -> LogPage:
    """What DICT answers: `before` is the VSync before its first event ever."""
    earlier = [it for it in events if it.at < since]
    shown = [it for it in events if it.at >= since][:limit]
    state = toggled(before, *(it.cid for it in earlier))
    first = toggled(state, *(it.cid for it in shown[:1]))
    last = toggled(state, *(it.cid for it in shown))
    return LogPage(shown, first, last, len(earlier) + len(shown) < len(events))


def _read(events: Sequence[CidEvent], limit: int, before: bytes = EMPTY_VSYNC) -> CidLog:
    log, since = CidLog(), NOON
    while log.add(_page(events, since, limit, before)):
        assert log.until is not None
        since = log.until
    return log


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[CidEvent], frozenset[bytes]]:
    """Events as a set can have them, often two of one instant, and its first CIDs."""
    first = draw(st.frozensets(st.integers(1, 6).map(_cid), max_size=4))
    active, at = set(first), NOON
    events: list[CidEvent] = []
    for number in draw(st.lists(st.integers(1, 6), max_size=20)):
        cid = _cid(number)
        type_ = REMOVED if cid in active else ADDED
        active ^= {cid}
        if len(events) % 2:
            at += timedelta(seconds=draw(st.integers(0, 2)))
        else:
            at += timedelta(seconds=1)
        events.append(CidEvent(type_, cid, at))
    return events, first


@given(lives(), st.integers(5, 30))
def test_the_log_leads_from_one_set_to_the_other(
    life: tuple[list[CidEvent], frozenset[bytes]], limit: int
) -> None:
    events, first = life
    read = _read(events, limit, vsync_of(first))
    now = set(first)
    for event in events:
        now ^= {event.cid}
    assert (first - read.gone) | read.active == now
    assert read.vsync == vsync_of(now)
    assert read.count == len(events)


def test_added_removed_added_is_there() -> None:
    events = [
        CidEvent(type_, _cid(1), NOON + timedelta(seconds=at))
        for at, type_ in enumerate([ADDED, REMOVED, ADDED])
    ]
    read = _read(events, 2)
    assert (read.active, read.gone) == (frozenset({_cid(1)}), frozenset())


def test_a_log_without_events_tells_the_vsync() -> None:
    read = CidLog()
    assert not read.add(LogPage([], _cid(9), _cid(9), has_more=False))
    assert (read.vsync, read.until) == (_cid(9), None)
    assert not read.active | read.gone


def _three() -> list[CidEvent]:
    return [CidEvent(ADDED, _cid(it), NOON + timedelta(seconds=it)) for it in (1, 2, 4)]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda page: replace(page, events=page.events[1:]),
        lambda page: replace(page, events=page.events[:-1]),
        lambda page: replace(page, events=[*page.events, page.events[-1]]),
        lambda page: replace(page, events=[page.events[0], page.events[2], page.events[1]]),
        lambda page: replace(page, vsync_last=EMPTY_VSYNC),
    ],
    ids=["first missing", "last missing", "repeated", "out of order", "another VSync"],
)
def test_a_page_that_contradicts_itself_is_refused(spoilt: object) -> None:
    assert callable(spoilt)
    with pytest.raises(LogInconsistent):
        CidLog().add(spoilt(_page(_three(), NOON, 10)))


def test_an_event_that_came_late_before_the_border_is_noticed() -> None:
    events = _three()
    log = CidLog()
    assert log.add(_page(events, NOON, 2))
    late = CidEvent(ADDED, _cid(8), events[1].at - timedelta(milliseconds=1))
    changed = sorted([*events, late], key=lambda it: it.at)
    with pytest.raises(LogInconsistent, match="missing"):
        log.add(_page(changed, events[1].at, 10))


def test_a_border_that_is_not_repeated_is_noticed() -> None:
    events = _three()
    log = CidLog()
    log.add(_page(events, NOON, 2))
    with pytest.raises(LogInconsistent, match="begin"):
        log.add(_page(events, events[2].at, 10))


def test_an_instant_longer_than_a_page_is_said() -> None:
    events = [CidEvent(ADDED, _cid(it), NOON) for it in (1, 2, 4)]
    with pytest.raises(LogInconsistent, match="one instant"):
        _read(events, 2)
