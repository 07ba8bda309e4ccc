"""Core's reports that come late, early or in disorder around a run: the key stands once, under
Core's id, in its last state, and nobody is asked for nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.sync_simulation import PHONES, Installation, entry_id_of, papers


def once_before(name: str, act: Callable[[], None]) -> Callable[[Installation, str], None]:
    """Something that happens before the first attempt of a step."""
    done: list[str] = []

    def meanwhile(_: Installation, step: str) -> None:
        if step == name and not done:
            done.append(step)
            act()

    return meanwhile


def corrections(home: Installation) -> list[str]:
    """What runs and Core's reports have corrected."""
    return [it["correction"] for it in home.told("entry.corrected")]


def test_a_stale_report_leaves_what_a_repair_has_read_since(home: Installation) -> None:
    new = papers(30)
    home.bacen.add(new)
    stale = home.report_of(entry_id_of(new), 1, new, PHONES)
    home.later()
    home.bacen.update(new, name="Maria Changed")
    home.later()
    assert home.run().entries_created == 1
    home.arrives(stale)
    assert home.equal()
    assert home.entries.entries[entry_id_of(new)].cid is not None
    assert corrections(home) == ["CREATED", "ADOPTED"]


def test_a_key_that_core_registers_anew_under_its_old_id(home: Installation) -> None:
    it = papers(1)
    home.bacen.remove(it)
    home.tell(entry_id_of(it), 2, None, PHONES)
    home.later()
    again = papers(1, name="Maria Again")
    home.bacen.add(again)
    late = home.report_of(entry_id_of(it), 3, again, PHONES)
    home.later()
    assert home.run().entries_created == 1
    home.arrives(late)
    assert home.equal()
    third = home.bacen.update(again, name="Maria Third")
    home.tell(entry_id_of(it), 4, third, PHONES)
    home.later()
    assert home.run(number="2").discrepancies == 0
    assert home.entries.entries[entry_id_of(it)].cid == third.cid


@pytest.mark.parametrize("ends", [True, False])
def test_what_happens_between_look_and_repair_is_no_discrepancy(
    home: Installation, ends: bool
) -> None:
    new = papers(33)
    home.bacen.add(new)
    home.later()

    def core_tells() -> None:
        home.tell(entry_id_of(new), 1, new, PHONES)
        home.later(timedelta(seconds=1))
        if ends:
            home.bacen.remove(new)
        after = None if ends else home.bacen.update(new, name="Maria Changed")
        home.tell(entry_id_of(new), 2, after, PHONES)

    home.meanwhile = once_before("create_entry", core_tells)
    result = home.run()
    assert (result.status, result.entries_created) == ("COMPLETED", 0)
    assert not corrections(home)
    assert not home.told("review.opened")


def test_a_repair_goes_to_the_entry_that_core_has_told_of_meanwhile(home: Installation) -> None:
    new = papers(33)
    home.bacen.add(new)
    first = home.report_of(entry_id_of(new), 1, new, PHONES)
    home.later()
    after = home.bacen.update(new, name="Maria Changed")
    home.later()
    home.meanwhile = once_before("create_entry", lambda: home.arrives(first))
    home.run()
    assert home.equal()
    assert home.entries.entries[entry_id_of(new)].cid == after.cid
    assert corrections(home) == ["UPDATED"]


def test_a_deletion_that_overtakes_its_creation_ends_what_was_made_up(home: Installation) -> None:
    new = papers(34)
    home.bacen.add(new)
    created = home.report_of(entry_id_of(new), 1, new, PHONES)
    home.later()
    home.run()
    home.bacen.remove(new)
    home.tell(entry_id_of(new), 2, None, PHONES)
    home.arrives(created)
    home.later()
    assert home.run(number="2").discrepancies == 0
    assert corrections(home) == ["CREATED", "ADOPTED"]


def test_a_report_while_dict_is_asked_keeps_an_entry_out_of_review(home: Installation) -> None:
    """Judged by what was told, not by whose clock is ahead."""
    it = papers(1)
    home.bacen.remove(it)
    home.later()
    asks = home.bacen.entry_by_cid

    async def entry_by_cid(cid: bytes, participant: str, context: object) -> object:
        answer = await asks(cid, participant, context)  # type: ignore[arg-type]
        delivery, record = home.report_of(entry_id_of(it), 2, it, PHONES)
        record["dict_time"] -= timedelta(minutes=1)
        home.bacen.add(it)
        await home.report(delivery, record)
        return answer

    home.bacen.entry_by_cid = entry_by_cid  # type: ignore[assignment, method-assign]
    result = home.run()
    assert (result.status, result.entries_deleted) == ("COMPLETED", 0)
    assert not home.told("review.opened")


def test_a_changed_key_that_dict_hides_is_put_before_nobody(home: Installation) -> None:
    after = home.bacen.update(papers(1), name="Maria Hidden")
    home.bacen.remove(papers(2))
    home.bacen.update(papers(3), name="Maria Shown")
    home.later()

    home.bacen.hide(after)
    result = home.run()
    assert (result.status, result.entries_updated, result.entries_deleted) == ("PARTIAL", 1, 0)
    assert (result.discrepancies, result.failed) == (4, 3), "each key once, whatever rungs found it"
    assert home.entries.entries[entry_id_of(papers(1))].cid == papers(1).cid
    home.bacen.script = lambda _operation, _context: None
    home.later(timedelta(days=1))
    result = home.run(number="2")
    assert (result.status, result.entries_updated, result.entries_deleted) == ("COMPLETED", 1, 1)
    assert home.equal()
