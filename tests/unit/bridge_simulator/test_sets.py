"""Generated sets and changes of whole sets: every way to look at them shows the same."""

from dataclasses import replace
from hashlib import sha256

import pytest

from bridge_simulator import entry_rows, generated_rows
from bridge_simulator.cid import sync_verifier
from bridge_simulator.generated_set import COUNT_MAX, GeneratedSet, entry_of
from bridge_simulator.ledger import Call
from bridge_simulator.reconciliation import EventsQuery
from bridge_simulator.records import ClaimOrder, Entry
from bridge_simulator.set_operations import CHANGES_MAX, EntryChange, SetOrder
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    DictWorld,
    account,
    refused,
    request_id,
)

CHANGE = Call("ChangeSet", DONOR_ISPB)
DELETE = Call("DeleteEntry", DONOR_ISPB)
UPDATE = Call("UpdateEntry", DONOR_ISPB)
VERIFY = Call("CreateSyncVerification", DONOR_ISPB)


def _shows(world: DictWorld, key_type: str, entries: list[Entry]) -> None:
    """VSync, log, file, look-ups by key and by CID all show exactly these entries."""
    cids = [entry.cid for entry in entries]
    verifier = sync_verifier(cids)
    assert world.reconciliation.verify(VERIFY, key_type, verifier)[1] == "OK"
    page = world.reconciliation.list_events(EventsQuery(DONOR_ISPB, key_type, limit=200))
    assert page.has_more or page.verifier_end == verifier
    asked = world.files.request(Call("RequestCidFile", DONOR_ISPB), key_type)
    world.wait(seconds=10)
    file = world.files.get(asked.id, DONOR_ISPB)
    content = b"".join(world.files.download(asked.id, DONOR_ISPB))
    assert (file.bytes, file.sha256) == (len(content), sha256(content).hexdigest())
    lines = content.decode().split("\n")
    assert sorted(lines) == sorted([*cids, ""])
    for entry in entries:
        assert world.entries.get(entry.key)[0] == entry
        assert world.reconciliation.entry_by_cid(entry.cid, DONOR_ISPB) == entry


@pytest.mark.parametrize("key_type", ["CPF", "CNPJ", "PHONE", "EMAIL", "EVP"])
def test_a_generated_set_is_there_and_has_no_log(key_type: str) -> None:
    world = DictWorld()
    of = world.generate(key_type)
    _shows(world, key_type, [of.entry(index) for index in range(of.count)])
    page = world.reconciliation.list_events(EventsQuery(DONOR_ISPB, key_type))
    assert (page.events, page.verifier_start) == ([], page.verifier_end)
    assert not world.has(of.entry(of.count).key)
    with world.directory.store.transaction() as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (0,)


def test_changes_of_generated_entries_by_the_same_rules() -> None:
    world = DictWorld()
    of = world.generate()
    entries = {index: of.entry(index) for index in range(of.count)}
    old = entries[5]
    moved = replace(old.account, account_number="42")
    entries[5] = world.entries.update(old.key, moved, old.owner, "USER_REQUESTED", UPDATE)
    assert entries[5].request_id == old.request_id
    with refused("NotFound"):
        world.reconciliation.entry_by_cid(old.cid, DONOR_ISPB)
    gone = entries.pop(6)
    world.entries.delete(gone.key, "USER_REQUESTED", DELETE)
    assert not world.has(gone.key)
    with refused("NotFound"):
        world.entries.delete(gone.key, "USER_REQUESTED", DELETE)
    with refused("NotFound"):
        world.reconciliation.entry_by_cid(gone.cid, DONOR_ISPB)
    log = world.reconciliation.list_events(EventsQuery(DONOR_ISPB, "PHONE")).events
    assert [(event.type, event.cid) for event in log] == [
        ("REMOVED", old.cid),
        ("ADDED", entries[5].cid),
        ("REMOVED", gone.cid),
    ]
    _shows(world, "PHONE", list(entries.values()))
    entries[6] = world.enter(key=gone.key)
    entries[5] = world.entries.update(old.key, old.account, old.owner, "USER_REQUESTED", UPDATE)
    assert entries[5] == old
    _shows(world, "PHONE", list(entries.values()))
    world.entries.delete(gone.key, "USER_REQUESTED", DELETE)
    assert not world.has(gone.key)


def test_a_generated_key_is_taken_and_its_account_counts() -> None:
    world = DictWorld()
    of = world.generate()
    entry = of.entry(5)
    with refused("EntryKeyOwnedByDifferentPerson"):
        world.enter(key=entry.key)
    with refused("EntryKeyInCustodyOfDifferentParticipant"):
        world.enter(entry.owner, entry.key, where=account(CLAIMER_ISPB))
    for number in range(4):
        world.enter(key=f"+556197777000{number}", where=entry.account)
    with refused("EntryLimitExceeded"):
        world.enter(where=entry.account)
    world.entries.delete(entry.key, "USER_REQUESTED", DELETE)
    world.enter(where=entry.account)


def test_a_claim_takes_a_generated_key_away_and_its_lock_holds() -> None:
    world = DictWorld()
    of = world.generate(count=3)
    entry = of.entry(1)
    order = ClaimOrder("PORTABILITY", entry.key, "PHONE", account(CLAIMER_ISPB), entry.owner)
    claim = world.claims.create(order)
    with refused("EntryLockedByClaim"):
        world.entries.delete(entry.key, "USER_REQUESTED", DELETE)
    changed = world.sets.change(SetOrder(DONOR_ISPB, "PHONE", 1, 0, 2, 0), CHANGE)
    assert {change.before for change in changed} == {of.entry(0), of.entry(2)}
    with refused("BadRequest"):
        world.sets.change(SetOrder(DONOR_ISPB, "PHONE", 2, 1, 0, 0), CHANGE)
    world.claims.acknowledge(world.by_donor(claim, "AcknowledgeClaim"))
    world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "USER_REQUESTED")
    _shows(world, "PHONE", [])
    world.claims.complete(world.completion(claim))
    moved = world.entries.get(entry.key)[0]
    assert (moved.account.participant, moved.owner) == (CLAIMER_ISPB, entry.owner)


def _kinds(changes: list[EntryChange]) -> list[tuple[bool, bool]]:
    return [(change.before is not None, change.after is not None) for change in changes]


@pytest.mark.parametrize("key_type", ["CPF", "CNPJ", "PHONE", "EMAIL", "EVP"])
@pytest.mark.parametrize("generated", [True, False])
def test_a_set_is_changed_as_the_answer_says(key_type: str, generated: bool) -> None:
    world = DictWorld()
    entries: dict[str, Entry] = {}
    if generated:
        of = world.generate(key_type, 60)
        entries |= {of.entry(index).key: of.entry(index) for index in range(of.count)}
    else:
        order = SetOrder(DONOR_ISPB, key_type, 3, 0, 0, 60)
        added = (change.after for change in world.sets.change(order, CHANGE))
        entries |= {entry.key: entry for entry in added if entry}
    for seed in (1, 2, 1):
        changes = world.sets.change(SetOrder(DONOR_ISPB, key_type, seed, 9, 5, 7), CHANGE)
        assert _kinds(changes) == [(True, True)] * 9 + [(True, False)] * 5 + [(False, True)] * 7
        for before, after in ((change.before, change.after) for change in changes):
            if before is not None:
                assert entries.pop(before.key) == before
            if after is not None:
                entries[after.key] = after
            if before is not None and after is not None:
                assert (before.key, before.request_id) == (after.key, after.request_id)
                assert before.cid != after.cid
        _shows(world, key_type, list(entries.values()))
    rows = [(row.call.operation, row.effective) for row in world.ledger()]
    assert rows.count(("ChangeSet", True)) == (3 if generated else 4)


def test_the_same_seed_chooses_the_same() -> None:
    def touched(seed: int) -> list[EntryChange]:
        world = DictWorld()
        world.generate()
        return world.sets.change(SetOrder(DONOR_ISPB, "PHONE", seed, 5, 5, 5), CHANGE)

    assert touched(1) == touched(1)
    assert touched(1) != touched(2)
    names = [change for change in touched(1) if change.after and change.before]
    assert len({_what_changed(change) for change in names}) > 1


def _what_changed(change: EntryChange) -> str:
    assert change.before is not None
    assert change.after is not None
    if change.before.owner != change.after.owner:
        return "owner"
    same = change.before.account.account_number == change.after.account.account_number
    return "type" if same else "number"


def test_new_entries_are_those_of_the_seed_behind_every_set() -> None:
    world = DictWorld()
    world.generate(seed=7)
    (change,) = world.sets.change(SetOrder(DONOR_ISPB, "PHONE", 7, 0, 0, 1), CHANGE)
    expected = entry_of(7, DONOR_ISPB, "PHONE", COUNT_MAX)
    assert change.after is not None
    assert (change.after.key, change.after.cid) == (expected.key, expected.cid)
    assert change.after.creation_date == world.time


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (SetOrder("1234567", "PHONE", 1, 1, 0, 0), "ParticipantInvalid"),
        (SetOrder(DONOR_ISPB, "MOBILE", 1, 1, 0, 0), "BadRequest"),
        (SetOrder(DONOR_ISPB, "PHONE", 1, 0, 0, 0), "BadRequest"),
        (SetOrder(DONOR_ISPB, "PHONE", 1, CHANGES_MAX, 1, 0), "BadRequest"),
        (SetOrder(DONOR_ISPB, "PHONE", 1, 4, 4, 1), "BadRequest"),
        (SetOrder(CLAIMER_ISPB, "PHONE", 1, 1, 0, 0), "BadRequest"),
    ],
)
def test_what_no_set_gives_is_refused_and_nothing_is_done(order: SetOrder, problem: str) -> None:
    world = DictWorld()
    of = world.generate(count=7)
    with refused(problem):
        world.sets.change(order, replace(CHANGE, participant=order.participant))
    _shows(world, "PHONE", [of.entry(index) for index in range(of.count)])


def _refuses(world: DictWorld, wanted: GeneratedSet, words: str) -> None:
    with refused("BadRequest") as caught:
        world.sets.check(wanted)
    assert words in caught.value.detail


def test_a_set_that_cannot_be_generated_says_why() -> None:
    world = DictWorld()
    of = world.generate(count=50)
    world.sets.check(of)
    _refuses(world, replace(of, seed=8), "generated from seed 7")
    _refuses(world, replace(of, count=51), "generated from seed 7")
    _refuses(world, replace(of, participant=CLAIMER_ISPB, count=0), "1 to 5000000")
    _refuses(world, replace(of, count=COUNT_MAX + 1), "1 to 5000000")
    _refuses(world, replace(of, key_type="MOBILE"), "KeyType")
    with refused("ParticipantInvalid"):
        world.sets.check(replace(of, participant=""))
    world.enter(key_type="EMAIL", key="joao@example.com")
    _refuses(world, replace(of, key_type="EMAIL"), "has entries or a log")
    world.entries.delete("joao@example.com", "USER_REQUESTED", DELETE)
    _refuses(world, replace(of, key_type="EMAIL"), "has entries or a log")


def test_keys_that_are_taken_elsewhere_ask_for_another_seed() -> None:
    world = DictWorld()
    wanted = GeneratedSet(DONOR_ISPB, "CPF", 1, 10)
    owner = replace(JOAO, tax_id_number=wanted.entry(3).key)
    entry = world.enter(owner, wanted.entry(3).key, "CPF", account(CLAIMER_ISPB))
    _refuses(world, wanted, "change the seed")
    claim = world.claims.create(
        ClaimOrder("PORTABILITY", entry.key, "CPF", account(DONOR_ISPB), owner)
    )
    world.claims.acknowledge(Call("AcknowledgeClaim", CLAIMER_ISPB, claim.id))
    world.claims.confirm(Call("ConfirmClaim", CLAIMER_ISPB, claim.id), "USER_REQUESTED")
    _refuses(world, wanted, "change the seed")
    world.sets.check(replace(wanted, seed=2))
    big = GeneratedSet(DONOR_ISPB, "PHONE", 0, COUNT_MAX)
    with world.directory.store.transaction() as db:
        generated_rows.add(db, big, "0" * 64, world.time)
    others = (GeneratedSet(CLAIMER_ISPB, "PHONE", seed, COUNT_MAX) for seed in range(600))
    _refuses(world, next(other for other in others if other.shares_keys_with(big)), DONOR_ISPB)


def test_a_file_from_before_a_set_was_generated_stays_as_it_was() -> None:
    world = DictWorld()
    early = world.files.request(Call("RequestCidFile", DONOR_ISPB), "PHONE")
    world.wait(seconds=10)
    assert world.files.get(early.id, DONOR_ISPB).bytes == 0
    of = world.generate()
    assert b"".join(world.files.download(early.id, DONOR_ISPB)) == b""
    late = world.files.request(Call("RequestCidFile", DONOR_ISPB), "PHONE")
    world.wait(seconds=10)
    assert world.files.get(late.id, DONOR_ISPB).bytes == 65 * of.count
    world.entries.delete(of.entry(0).key, "USER_REQUESTED", DELETE)
    assert len(b"".join(world.files.download(late.id, DONOR_ISPB))) == 65 * of.count


def test_a_stored_entry_is_found_before_a_generated_one() -> None:
    world = DictWorld()
    of = world.generate()
    world.entries.delete(of.entry(0).key, "USER_REQUESTED", DELETE)
    mine = world.enter(key=of.entry(0).key, number=900)
    assert mine.request_id == request_id(900)
    with world.directory.store.transaction() as db:
        assert entry_rows.find(db, mine.key) == mine
        assert generated_rows.find_entry(db, mine.key) is None
