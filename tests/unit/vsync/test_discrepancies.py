"""Seed 003's three types, and which of two reports about an entry stands."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.cid import CidAttributes
from vsync.domain.discrepancies import (
    Discrepancy,
    DiscrepancyType,
    KnownEntry,
    differing_fields,
    discrepancies,
)
from vsync.domain.precedence import Report, Source, Verdict, judge

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
JOAO = CidAttributes(
    "PHONE",
    "+5561988880000",
    "11122233300",
    "João Silva",
    "",
    "12345678",
    "0001",
    "7654321",
    "CACC",
)
REQUEST = UUID("a946d533-7f22-42a5-9a9b-e87cd55c0f4d")


def test_each_type_is_told_by_the_key() -> None:
    ours = [KnownEntry(b"1", "both"), KnownEntry(b"2", "ours")]
    theirs = [KnownEntry(b"3", "theirs"), KnownEntry(b"4", "both")]
    assert discrepancies(ours, theirs) == [
        Discrepancy(DiscrepancyType.MISSING_LOCAL, "theirs", None, b"3"),
        Discrepancy(DiscrepancyType.OUTDATED_LOCAL, "both", b"1", b"4"),
        Discrepancy(DiscrepancyType.MISSING_BACEN, "ours", b"2", None),
    ]


def test_a_key_that_we_hold_twice_is_updated_once() -> None:
    ours = [KnownEntry(b"1", "key"), KnownEntry(b"2", "key")]
    assert [it.type for it in discrepancies(ours, [KnownEntry(b"3", "key")])] == [
        DiscrepancyType.OUTDATED_LOCAL,
        DiscrepancyType.MISSING_BACEN,
    ]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abcd"), unique=True))
def test_no_cid_is_forgotten_or_told_twice(ours: list[str], theirs: list[str]) -> None:
    local = [KnownEntry(b"l%d" % at, key) for at, key in enumerate(ours)]
    remote = [KnownEntry(b"r%d" % at, key) for at, key in enumerate(theirs)]
    found = discrepancies(local, remote)
    assert sorted(it.local for it in found if it.local) == sorted(it.cid for it in local)
    assert sorted(it.remote for it in found if it.remote) == sorted(it.cid for it in remote)


def test_fields_that_part_two_versions() -> None:
    theirs = JOAO._replace(name="João S.", branch="")
    assert differing_fields(JOAO, REQUEST, theirs, REQUEST) == {
        "name": ("João Silva", "João S."),
        "branch": ("0001", ""),
    }
    assert differing_fields(JOAO, REQUEST, JOAO, UUID(int=1)) == {
        "request_id": (str(REQUEST), str(UUID(int=1)))
    }


@st.composite
def reports(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """Reports whose times follow their numbers, in two orders of arrival."""
    all_ = [
        Report(source, number, NOON + timedelta(seconds=seconds))
        for source in Source
        for number, seconds in enumerate(sorted(draw(st.lists(st.integers(0, 5), max_size=3))))
    ]
    return all_, draw(st.permutations(all_))


def _standing(arriving: list[Report]) -> Report | None:
    numbers: dict[Source, int] = {}
    stands = None
    for report in arriving:
        verdict = judge(report, numbers, stands)
        if verdict is not Verdict.SEEN:
            numbers[report.source] = report.number
        if verdict is Verdict.APPLY:
            stands = report
        assert judge(report, numbers, stands) is Verdict.SEEN
    return stands


@given(reports())
def test_the_same_report_stands_whatever_came_first(
    both: tuple[list[Report], list[Report]],
) -> None:
    assert _standing(both[0]) == _standing(both[1])


def test_dicts_own_word_beats_the_others_of_its_instant() -> None:
    dict_ = Report(Source.DICT, 1, NOON)
    core = Report(Source.CORE, 7, NOON)
    assert judge(core, {}, dict_) is Verdict.OVERTAKEN
    assert judge(dict_, {}, core) is Verdict.APPLY
