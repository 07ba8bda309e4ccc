"""Who holds a key in the end, whoever tells of it and in whatever order it arrives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.entry import Entry, EntryChange, EntrySet, Told, excluded, retired
from vsync.domain.holding import Known, at_hand, hold
from vsync.domain.precedence import Report, Source, Verdict

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OURS, OTHER = EntrySet("12345678", "PHONE"), EntrySet("87654321", "PHONE")
IDS = UUID("3d2f7c1e-1f5b-5d47-9a3f-0f6f3f2f8c11")


def id_(name: str) -> UUID:
    """Of an entry."""
    return uuid5(IDS, name)


def at(minute: int) -> datetime:
    """DICT's clock."""
    return NOON + timedelta(minutes=minute)


def report(source: Source, minute: int, number: int | None = None) -> Report:
    """Numbered by its time where it is not Core's."""
    return Report(source, minute if number is None else number, at(minute))


@dataclass(frozen=True)
class Tell:
    """`what` about the entry `name`."""

    name: str
    what: Told

    def __repr__(self) -> str:
        """Short, as a failure shows many."""
        told, cid = self.what.report, self.what.cid
        minute = (told.dict_time - NOON) // timedelta(minutes=1)
        state = "deleted" if cid is None else cid.decode()
        return f"{told.source} {self.name} {state} at {minute} in {self.what.set.participant}"


@dataclass
class Base:
    """Entries of one key, as the store keeps them."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    named: set[UUID] = field(default_factory=set)
    """Those whose key was told: a deletion alone names none."""

    def tell(self, it: Tell) -> None:
        """In one transaction."""
        entry_id, what = id_(it.name), it.what
        known = Known() if what.cid is None else self._known(entry_id)
        entry = self.entries.get(entry_id)
        if what.report.source is Source.DICT:
            entry, known = at_hand(entry, what.set, known)
            entry_id = entry_id if entry is None else entry.entry_id
        holding = hold(entry, entry_id, what, known)
        for other in holding.retires:
            self.entries[other.entry_id] = retired(other)
        if (after := holding.step.entry) is not None:
            self.entries[after.entry_id] = after
        if what.cid is not None:
            self.named.add(entry_id)
        assert len({it.cid for it in self.standing}) == len(self.standing), "a CID stands twice"

    @property
    def standing(self) -> list[Entry]:
        """Active entries."""
        return [it for it in self.entries.values() if it.cid is not None]

    def _known(self, entry_id: UUID) -> Known:
        others = [it for it in self.entries.values() if it.entry_id != entry_id]
        ended = [it.stands.dict_time for it in others if it.entry_id in self.named and not it.holds]
        return Known([it for it in others if it.holds], max(ended, default=None))


# ---- one report -------------------------------------------------------------------------------


def an_entry(name: str, of: EntrySet, cid: bytes | None, stands: Report) -> Entry:
    """With one report."""
    return Entry(id_(name), of, cid, stands, {stands.source: stands.number}, 1)


def core(minute: int, cid: bytes | None, number: int = 1, of: EntrySet = OURS) -> Told:
    """What Core tells."""
    return Told(report(Source.CORE, minute, number), of, cid)


def test_a_later_report_of_core_takes_the_key_from_a_made_up_entry() -> None:
    made = an_entry("made", OURS, b"1", report(Source.DICT, 5))
    holding = hold(None, id_("a"), core(9, b"2"), Known([made]))
    assert holding.step.entry is not None
    assert (holding.step.entry.cid, holding.retires) == (b"2", [made])


def test_an_earlier_report_of_core_is_heir_of_what_a_repair_has_read_since() -> None:
    made = an_entry("made", OURS, b"2", report(Source.DICT, 5))
    holding = hold(None, id_("a"), core(1, b"1"), Known([made]))
    after = holding.step.entry
    assert after is not None
    assert (after.entry_id, after.cid, after.stands) == (id_("a"), b"2", made.stands)
    assert after.numbers == {Source.CORE: 1, Source.DICT: 5}
    assert (holding.heir_of, holding.retires) == (made, [made])
    assert holding.step.change is EntryChange.CREATED


@pytest.mark.parametrize("of", [OURS, OTHER])
def test_an_entry_of_cores_gives_its_key_to_the_same_cid_alone(of: EntrySet) -> None:
    theirs = an_entry("theirs", of, b"1", report(Source.CORE, 1))
    same = hold(None, id_("a"), core(5, b"1", of=of), Known([theirs]))
    assert same.retires == [theirs]
    other = hold(None, id_("a"), core(5, b"2"), Known([theirs]))
    assert (other.step.verdict, other.retires) == (Verdict.APPLY, [])


def test_a_state_that_core_has_ended_under_another_id_is_a_tombstone() -> None:
    later = an_entry("later", OURS, b"2", report(Source.CORE, 9))
    holding = hold(None, id_("a"), core(1, b"1"), Known([later]))
    after = holding.step.entry
    assert after is not None
    assert (after.cid, after.numbers, holding.step.change) == (None, {Source.CORE: 1}, None)


@pytest.mark.parametrize("source", [Source.CLAIM, Source.DICT])
def test_what_others_have_seen_before_the_cid_ended_is_nothing(source: Source) -> None:
    what = Told(report(source, 5), OURS, b"1")
    assert hold(None, id_("made"), what, Known(ended_at=at(6))).step.entry is None
    assert hold(None, id_("made"), what, Known(ended_at=at(5))).step.entry is not None


@pytest.mark.parametrize("source", [Source.CLAIM, Source.DICT])
def test_what_others_see_of_an_entry_that_stands_is_nothing_new(source: Source) -> None:
    known = Known([an_entry("a", OURS, b"1", report(Source.CORE, 1))])
    holding = hold(None, id_("made"), Told(report(source, 9), OURS, b"1"), known)
    assert (holding.step.entry, holding.retires) == (None, ())


def test_a_claim_leaves_cores_entry_of_the_owner_before_to_core() -> None:
    before = an_entry("a", OURS, b"1", report(Source.CORE, 1))
    holding = hold(None, id_("made"), Told(report(Source.CLAIM, 9), OURS, b"2"), Known([before]))
    assert holding.step.entry is not None
    assert holding.retires == []


def test_an_entry_in_review_is_no_heirs_source() -> None:
    made = an_entry("made", OURS, b"2", report(Source.DICT, 5))
    waits = excluded(made, id_("review"))
    holding = hold(None, id_("a"), core(1, b"1"), Known([waits]))
    assert (holding.heir_of, holding.retires) == (None, ())
    assert holding.step.entry is not None
    assert holding.step.entry.cid is None
    assert hold(None, id_("a"), core(9, b"1"), Known([waits])).retires == [waits]


def test_a_number_that_was_seen_still_tells_whose_key_it_was() -> None:
    gone = an_entry("a", OURS, None, report(Source.CORE, 9, 2))
    made = an_entry("made", OURS, b"1", report(Source.DICT, 5))
    anew = an_entry("anew", OURS, b"1", report(Source.DICT, 10))
    told = core(1, b"1")
    assert hold(gone, gone.entry_id, told, Known([made])).retires == [made]
    assert hold(gone, gone.entry_id, told, Known([anew])).retires == []


# ---- any order --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """What happened to one key, and in which order it is told: any. `name`, `cid`: who has it in
    the end."""

    told: Sequence[Tell]
    name: str | None
    cid: bytes | None


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    """Registrations one after the other, each changed now and then, all but the last removed."""
    minute, told = 0, []
    registrations = draw(st.integers(1, 3))
    name = cid = None
    for number in range(registrations):
        name, of = f"core {number}", draw(st.sampled_from([OURS, OTHER]))
        versions = draw(st.integers(1, 3))
        for version in range(1, versions + 1):
            minute += 2
            cid = f"{number}.{version}".encode()
            told += [Tell(name, core(minute, cid, version, of))]
            told += _sights(draw, of, cid, minute + 1)
        if number + 1 < registrations or draw(st.booleans()):
            minute += 2
            told += [Tell(name, core(minute, None, versions + 1, of))]
            name = cid = None
    return Truth(draw(st.permutations(told)), name, cid)


def _sights(draw: st.DrawFn, of: EntrySet, cid: bytes, minute: int) -> list[Tell]:
    return [
        Tell(f"made up {of.participant}", Told(report(source, minute), of, cid))
        for source in draw(st.sets(st.sampled_from([Source.CLAIM, Source.DICT])))
    ]


@given(truths())
def test_in_the_end_the_last_state_stands_under_cores_id(truth: Truth) -> None:
    base = Base()
    for it in truth.told:
        base.tell(it)
    expected = [] if truth.name is None else [(id_(truth.name), truth.cid)]
    assert [(it.entry_id, it.cid) for it in base.standing] == expected


@given(truths())
def test_what_is_told_twice_is_told_once(truth: Truth) -> None:
    once, twice = Base(), Base()
    for it in truth.told:
        once.tell(it)
        twice.tell(it)
        twice.tell(it)
    assert {it.entry_id: it.cid for it in once.standing} == {
        it.entry_id: it.cid for it in twice.standing
    }


@given(truths())
def test_what_core_has_told_of_is_never_ended_by_a_repair(truth: Truth) -> None:
    base = Base()
    for it in truth.told:
        before = {entry.entry_id for entry in base.standing if not entry.made_up}
        base.tell(it)
        if it.what.report.source is not Source.CORE:
            assert before <= {entry.entry_id for entry in base.standing}
