"""How dead letters are chosen: by what fits, the oldest or the newest, never silently fewer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dict_common.bus.incoming import Incoming
from dict_common.console.failures import CommandFailed, Exit
from dictctl.letters import Chosen, Place, Row, Wanted, instant, parted, place_of, reasons

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def letter(number: int, **changes: Any) -> tuple[Place, Row]:
    """A letter of that second; several of one second differ by their entry."""
    message = Incoming(
        topic="persistent://dict/dead-letters/claim-orchestrator",
        partition=0,
        message_id=f"7:{changes.pop('entry', number)}:0:-1",
        key="",
        properties={},
        body=b"",
        published_at=NOW + timedelta(seconds=number),
        redelivery_count=0,
        schema_version=-1,
        message=None,
    )
    row: Row = {
        "id": number,
        "reason": "undecodable",
        "consumer": "c",
        "ce_id": None,
        "action": None,
    }
    return place_of(message), row | changes


def test_oldest_or_newest_are_kept_and_all_are_counted() -> None:
    numbers = [5, 1, 9, 3, 7, 2, 8, 4, 6, 0]
    for newest, expected in ((False, [0, 1, 2]), (True, [7, 8, 9])):
        chosen = Chosen(3, newest=newest)
        for number in numbers:
            chosen.add(*letter(number))
            assert len(chosen.kept) < 6
        assert [row["id"] for row in chosen.ended()] == expected
        assert chosen.matched == 10


def test_no_more_is_kept_of_a_row_than_is_asked_for() -> None:
    chosen = Chosen(3, newest=False, columns=("id", "reason"))
    chosen.add(*letter(4))
    assert chosen.ended() == [{"id": 4, "reason": "undecodable"}]


def test_letters_of_one_instant_keep_the_order_of_their_partition() -> None:
    chosen = Chosen(10, newest=False)
    for entry in (10, 9, 2):
        chosen.add(*letter(1, entry=entry, id=entry))
    assert [row["id"] for row in chosen.ended()] == [2, 9, 10]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(reason="undecodable"), True),
        (Wanted(reason="schema-unknown"), False),
        (Wanted(consumer="other"), False),
        (Wanted(event=str(uuid4())), False),
    ],
)
def test_what_fits(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(letter(1)[1]) is fits


def test_what_was_acted_on_is_wanted_only_by_who_asks_for_it() -> None:
    _, done = letter(1, action="discard")
    assert not Wanted().fits(done)
    assert Wanted(done=True).fits(done)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-01-01T00:00:00-03:00", datetime(2026, 1, 1, 3, tzinfo=UTC)),
        (None, None),
    ],
)
def test_since(text: str | None, expected: datetime | None) -> None:
    assert instant(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "24", "1w", "9999999d", "999999d"),
        *("2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_since_that_is_no_time_says_what_is_one(text: str) -> None:
    with pytest.raises(CommandFailed, match="24h") as failed:
        instant(text, NOW)
    assert failed.value.code is Exit.USAGE


def test_id_names_its_service() -> None:
    service, id_ = parted("claim-orchestrator/103:2:1:-1")
    assert (service, str(id_)) == ("claim-orchestrator", "103:2:1:-1")
    for wrong in ("103:2:1:-1", "claim-orchestrator/", "claim-orchestrator/1:2", ""):
        with pytest.raises(CommandFailed, match="names no dead letter"):
            parted(wrong)


def test_reasons_are_counted_the_most_frequent_first() -> None:
    rows = [letter(n, reason="a" if n % 3 else "b")[1] for n in range(6)]
    assert list(reasons(rows).items()) == [("a", 4), ("b", 2)]
