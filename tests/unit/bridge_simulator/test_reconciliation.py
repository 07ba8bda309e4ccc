"""Section 3: what every change does to the set of CIDs, and the four ways to look at it."""

from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

import pytest

from bridge_simulator.cid import EMPTY_VERIFIER, sync_verifier
from bridge_simulator.ledger import Call
from bridge_simulator.periods import Periods
from bridge_simulator.reconciliation import EventsQuery
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    PHONE,
    START,
    STRANGER_ISPB,
    DictWorld,
    account,
    refused,
)

DONORS_PHONES = EventsQuery(DONOR_ISPB, "PHONE")
CLAIMERS_PHONES = EventsQuery(CLAIMER_ISPB, "PHONE")
FILE = Call("RequestCidFile", DONOR_ISPB)
VERIFY = Call("CreateSyncVerification", DONOR_ISPB)


class Log(NamedTuple):
    """What a set's log says."""

    types: list[str]
    cids: list[str]


def _log(world: DictWorld, query: EventsQuery) -> Log:
    events = world.reconciliation.list_events(query).events
    return Log([event.type for event in events], [event.cid for event in events])


def test_create_update_delete_write_the_log() -> None:
    world = DictWorld()
    first = world.enter()
    moved = account(DONOR_ISPB, "42")
    second = world.entries.update(
        PHONE, moved, JOAO, "USER_REQUESTED", Call("UpdateEntry", DONOR_ISPB)
    )
    world.entries.delete(PHONE, "USER_REQUESTED", Call("DeleteEntry", DONOR_ISPB))
    assert _log(world, DONORS_PHONES) == Log(
        ["ADDED", "REMOVED", "ADDED", "REMOVED"], [first.cid, first.cid, second.cid, second.cid]
    )


def test_an_update_that_no_cid_sees_writes_none() -> None:
    world = DictWorld()
    old = world.enter()
    new = account(DONOR_ISPB)
    later = type(new)(new.participant, new.branch, new.account_number, new.account_type, START)
    world.entries.update(PHONE, later, JOAO, "USER_REQUESTED", Call("UpdateEntry", DONOR_ISPB))
    assert _log(world, DONORS_PHONES) == Log(["ADDED"], [old.cid])
    assert world.entries.get(PHONE)[0].account.opening_date == START


def test_a_claim_moves_the_cid_from_set_to_set() -> None:
    world = DictWorld()
    donors = world.enter()
    claim = world.brought_to("CONFIRMED")
    assert _log(world, DONORS_PHONES) == Log(["ADDED", "REMOVED"], [donors.cid, donors.cid])
    assert _log(world, CLAIMERS_PHONES) == Log([], [])
    world.claims.complete(world.completion(claim))
    entry = world.entries.get(PHONE)[0]
    assert _log(world, CLAIMERS_PHONES) == Log(["ADDED"], [entry.cid])
    found = world.reconciliation.entry_by_cid(entry.cid, CLAIMER_ISPB)
    assert (found, found.request_id) == (entry, world.completion(claim).request_id)


def test_pages_of_the_log_carry_the_vsync_at_both_ends() -> None:
    world = DictWorld()
    cids = []
    for number in range(5):
        cids.append(world.enter(key=f"+556198888000{number}").cid)
        world.wait(seconds=1)
    page = world.reconciliation.list_events(
        EventsQuery(DONOR_ISPB, "PHONE", START + timedelta(seconds=1), limit=2)
    )
    assert [event.cid for event in page.events] == cids[1:3]
    assert page.has_more
    assert page.verifier_start == sync_verifier(cids[:2])
    assert page.verifier_end == sync_verifier(cids[:3])


def test_both_ends_of_the_window_belong_to_it() -> None:
    world = DictWorld()
    for number in range(3):
        world.enter(key=f"+556198888000{number}")
        world.wait(seconds=1)
    window = EventsQuery(DONOR_ISPB, "PHONE", START, START + timedelta(seconds=1))
    page = world.reconciliation.list_events(window)
    assert len(page.events) == 2
    assert not page.has_more


def test_an_empty_window_tells_the_vsync_of_its_start() -> None:
    world = DictWorld()
    cid = world.enter().cid
    page = world.reconciliation.list_events(EventsQuery(DONOR_ISPB, "PHONE", world.wait(seconds=1)))
    assert (page.events, page.verifier_start, page.verifier_end) == ([], cid, cid)
    nothing = world.reconciliation.list_events(CLAIMERS_PHONES)
    assert nothing.verifier_end == EMPTY_VERIFIER


@pytest.mark.parametrize(
    ("periods", "lag"),
    [
        (Periods(), timedelta(seconds=5)),
        (Periods(day_seconds=8640), timedelta(milliseconds=500)),
        (Periods(events_lag_ms=250), timedelta(milliseconds=250)),
    ],
)
def test_the_log_lags_behind_and_its_vsync_with_it(periods: Periods, lag: timedelta) -> None:
    world = DictWorld(periods=periods)
    first = world.enter().cid
    second = world.enter(key="+5561977770000", number=77)
    world.wait(milliseconds=1)
    third = world.enter(key="+5561977770001", number=78).cid
    present = sync_verifier([first, second.cid, third])
    world.time = START + lag - timedelta(milliseconds=1)
    page = world.reconciliation.list_events(DONORS_PHONES)
    assert page.events == []
    assert (page.verifier_start, page.verifier_end) == (EMPTY_VERIFIER, EMPTY_VERIFIER)
    assert world.reconciliation.verify(VERIFY, "PHONE", present)[1] == "OK"
    world.time = START + lag
    page = world.reconciliation.list_events(DONORS_PHONES)
    assert [event.cid for event in page.events] == [first, second.cid]
    assert page.verifier_end == sync_verifier([first, second.cid])
    later = EventsQuery(DONOR_ISPB, "PHONE", START + timedelta(hours=1))
    assert world.reconciliation.list_events(later).verifier_end == page.verifier_end
    world.wait(milliseconds=1)
    assert world.reconciliation.list_events(DONORS_PHONES).verifier_end == present


@pytest.mark.parametrize("limit", [0, 201])
def test_the_limit_of_the_log(limit: int) -> None:
    with refused("BadRequest"):
        DictWorld().reconciliation.list_events(EventsQuery(DONOR_ISPB, "PHONE", limit=limit))


def test_a_vsync_is_right_wrong_or_malformed() -> None:
    world = DictWorld()
    assert world.reconciliation.verify(VERIFY, "PHONE", EMPTY_VERIFIER)[1] == "OK"
    cid = world.enter().cid
    assert world.reconciliation.verify(VERIFY, "PHONE", EMPTY_VERIFIER)[1] == "NOK"
    assert world.reconciliation.verify(VERIFY, "PHONE", cid)[1] == "OK"
    assert world.reconciliation.verify(VERIFY, "EMAIL", EMPTY_VERIFIER)[1] == "OK"
    with refused("BadRequest"):
        world.reconciliation.verify(VERIFY, "PHONE", cid.upper())
    with refused("BadRequest"):
        world.reconciliation.verify(VERIFY, "FAX", cid)


def test_a_file_takes_its_time_and_holds_the_cids_of_its_making() -> None:
    world = DictWorld()
    world.enter()
    file = world.files.request(FILE, "PHONE")
    with refused("NotFound"):
        world.files.download(file.id, DONOR_ISPB)
    world.wait(seconds=9)
    assert world.files.get(file.id, DONOR_ISPB).status == "REQUESTED"
    world.enter(key="+5561977770000")
    world.wait(seconds=1)
    made = world.files.get(file.id, DONOR_ISPB)
    world.enter(key="+5561977770001")
    assert made.creation_time == START + timedelta(seconds=10)
    content = b"".join(world.files.download(file.id, DONOR_ISPB))
    assert (made.bytes, made.sha256) == (len(content), sha256(content).hexdigest())
    assert set(content.decode().split()) == set(_log(world, DONORS_PHONES).cids[:2])
    assert content.endswith(b"\n")


def test_files_and_cids_are_shown_to_their_participant_only() -> None:
    world = DictWorld(indirect={STRANGER_ISPB: frozenset({DONOR_ISPB})})
    cid = world.enter().cid
    file = world.files.request(FILE, "PHONE")
    for asking in (DONOR_ISPB, STRANGER_ISPB):
        assert world.files.get(file.id, asking).id == file.id
        assert world.reconciliation.entry_by_cid(cid, asking).cid == cid
    with refused("Forbidden"):
        world.files.get(file.id, CLAIMER_ISPB)
    with refused("Forbidden"):
        world.reconciliation.entry_by_cid(cid, CLAIMER_ISPB)


def test_a_cid_that_is_gone_is_not_found() -> None:
    world = DictWorld()
    cid = world.enter().cid
    world.entries.delete(PHONE, "USER_REQUESTED", Call("DeleteEntry", DONOR_ISPB))
    with refused("NotFound"):
        world.reconciliation.entry_by_cid(cid, DONOR_ISPB)
    with refused("NotFound"):
        world.files.get("nothing", DONOR_ISPB)
