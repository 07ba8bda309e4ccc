"""Claims over the whole of DICT's state: creation, dates, what happens to the key, repeats."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge_simulator.periods import Periods
from bridge_simulator.records import ClaimOrder, Owner
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    COMPANY,
    DONOR_ISPB,
    JOAO,
    MARIA,
    PHONE,
    START,
    STRANGER_ISPB,
    DictWorld,
    account,
    refused,
    request_id,
)

PORTABILITY = ClaimOrder("PORTABILITY", PHONE, "PHONE", account(CLAIMER_ISPB), JOAO)
KEYS = {
    "CPF": (JOAO.tax_id_number, JOAO),
    "CNPJ": (COMPANY.tax_id_number, COMPANY),
    "PHONE": (PHONE, JOAO),
    "EMAIL": ("joao@exemplo.example", JOAO),
}


@pytest.mark.parametrize("key_type", KEYS)
def test_portability_is_for_four_key_types(key_type: str) -> None:
    world = DictWorld()
    key, owner = KEYS[key_type]
    world.enter(owner, key, key_type)
    order = ClaimOrder("PORTABILITY", key, key_type, account(CLAIMER_ISPB), owner)
    assert world.claims.create(order).status == "OPEN"


@pytest.mark.parametrize("key_type", KEYS)
def test_ownership_is_for_phones_only(key_type: str) -> None:
    world = DictWorld()
    key, owner = KEYS[key_type]
    world.enter(owner, key, key_type)
    order = ClaimOrder("OWNERSHIP", key, key_type, account(CLAIMER_ISPB), MARIA)
    if key_type == "PHONE":
        assert world.claims.create(order).status == "OPEN"
    else:
        with refused("ClaimInvalid"):
            world.claims.create(order)


@pytest.mark.parametrize("claim_type", ["PORTABILITY", "OWNERSHIP"])
def test_an_evp_is_never_claimed(claim_type: str) -> None:
    world = DictWorld()
    evp = world.enter(key="", key_type="EVP").key
    with refused("ClaimInvalid"):
        world.claims.create(replace(PORTABILITY, type=claim_type, key=evp, key_type="EVP"))


@pytest.mark.parametrize(
    ("order", "problem_type"),
    [
        (replace(PORTABILITY, type="THEFT"), "ClaimInvalid"),
        (replace(PORTABILITY, key_type="FAX"), "ClaimInvalid"),
        (replace(PORTABILITY, key="5561988880000"), "ClaimInvalid"),
        (replace(PORTABILITY, claimer=replace(JOAO, name="")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer=replace(JOAO, name="x" * 151)), "ClaimInvalid"),
        (replace(PORTABILITY, claimer=replace(JOAO, tax_id_number="1")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer=replace(JOAO, trade_name="x")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer=replace(JOAO, type="ROBOT")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer_account=account(CLAIMER_ISPB, "")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer_account=account(CLAIMER_ISPB, "1", "00001")), "ClaimInvalid"),
        (replace(PORTABILITY, claimer_account=account("123")), "ParticipantInvalid"),
        (replace(PORTABILITY, key="+5561900000000"), "ClaimKeyNotFound"),
        (replace(PORTABILITY, claimer=MARIA), "ClaimTypeInconsistent"),
        (replace(PORTABILITY, type="OWNERSHIP"), "ClaimTypeInconsistent"),
        (
            replace(PORTABILITY, claimer_account=account(DONOR_ISPB, "55")),
            "ClaimResultingEntryAlreadyExists",
        ),
    ],
)
def test_a_claim_that_cannot_be_is_refused_and_leaves_nothing(
    order: ClaimOrder, problem_type: str
) -> None:
    world = DictWorld()
    world.enter()
    with refused(problem_type):
        world.claims.create(order)
    assert world.claims.create(PORTABILITY).status == "OPEN"
    assert [(o.effective, o.problem_type) for o in world.ledger()[1:]] == [
        (False, problem_type),
        (True, ""),
    ]


def test_only_one_claim_at_a_time() -> None:
    world = DictWorld()
    first = world.open()
    with refused("ClaimAlreadyExistsForKey"):
        world.open()
    world.claims.cancel(world.by_claimer(first, "CancelClaim"), "USER_REQUESTED")
    assert world.open().id != first.id


def test_dates_of_a_portability() -> None:
    claim = DictWorld().open()
    assert claim.resolution_period_end == START + timedelta(days=7)
    assert claim.completion_period_end is None
    assert claim.last_modified == START


def test_dates_of_an_ownership() -> None:
    claim = DictWorld().open("OWNERSHIP")
    assert claim.resolution_period_end == START + timedelta(days=7)
    assert claim.completion_period_end == START + timedelta(days=14)


def test_a_shortened_day_shortens_all_periods() -> None:
    periods = Periods(day_seconds=60)
    assert periods.resolution_end(START) == START + timedelta(minutes=7)
    assert periods.completion_end(START) == START + timedelta(minutes=14)
    assert periods.claimer_limit(START + timedelta(minutes=7)) == START + timedelta(minutes=30)


def test_times_are_cut_to_milliseconds() -> None:
    world = DictWorld(START + timedelta(microseconds=1999))
    assert world.open().last_modified == START + timedelta(milliseconds=1)


def test_confirm_takes_the_donors_entry_and_complete_makes_the_claimers() -> None:
    world = DictWorld()
    donor_entry = world.enter()
    world.wait(days=100)
    claim = world.brought_to("CONFIRMED")
    assert not world.has(PHONE)
    completed = world.claims.complete(world.completion(claim))
    entry, lock = world.entries.get(PHONE)
    assert (entry.account, entry.owner) == (account(CLAIMER_ISPB), JOAO)
    assert entry.request_id == request_id(900)
    assert completed.entry_creation_date == entry.creation_date == world.time
    assert completed.key_ownership_date == donor_entry.key_ownership_date == START
    assert lock is None


def test_ownership_starts_a_new_ownership_date() -> None:
    world = DictWorld()
    world.enter()
    world.wait(days=100)
    completed = world.brought_to("COMPLETED", "OWNERSHIP")
    assert completed.key_ownership_date == world.time
    assert world.entries.get(PHONE)[0].owner == MARIA


def test_the_users_yes_ends_ownerships_wait_at_once() -> None:
    world = DictWorld()
    claim = world.brought_to("WAITING_RESOLUTION", "OWNERSHIP")
    world.wait(days=2)
    confirmed = world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "USER_REQUESTED")
    assert confirmed.completion_period_end == world.time
    assert world.claims.complete(world.completion(confirmed)).status == "COMPLETED"


def test_a_confirm_by_default_leaves_the_completion_period() -> None:
    world = DictWorld()
    claim = world.brought_to("WAITING_RESOLUTION", "OWNERSHIP")
    world.wait(days=7)
    confirmed = world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "DEFAULT_OPERATION")
    assert confirmed.completion_period_end == START + timedelta(days=14)
    world.wait(days=7, milliseconds=-1)
    with refused("ClaimCompletionPeriodNotEnded"):
        world.claims.complete(world.completion(claim))
    world.wait(milliseconds=1)
    assert world.claims.complete(world.completion(claim)).status == "COMPLETED"


def test_a_cancel_after_confirm_leaves_the_key_free() -> None:
    world = DictWorld()
    claim = world.brought_to("CONFIRMED")
    world.claims.cancel(world.by_claimer(claim, "CancelClaim"), "FRAUD")
    assert not world.has(PHONE)
    assert world.enter().account.participant == DONOR_ISPB


def test_repeats_change_nothing_and_say_so_in_the_ledger() -> None:
    world = DictWorld()
    claim = world.open()
    for _ in range(2):
        world.claims.acknowledge(world.by_donor(claim, "AcknowledgeClaim"))
        world.wait(seconds=1)
    for _ in range(2):
        world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "USER_REQUESTED")
        world.wait(seconds=1)
    answers = {world.claims.complete(world.completion(claim)) for _ in range(2)}
    assert len(answers) == 1
    assert [(o.call.operation, o.status_after) for o in world.ledger(effective_only=True)] == [
        ("CreateEntry", ""),
        ("CreateClaim", "OPEN"),
        ("AcknowledgeClaim", "WAITING_RESOLUTION"),
        ("ConfirmClaim", "CONFIRMED"),
        ("CompleteClaim", "COMPLETED"),
    ]
    assert len(world.ledger()) == 8


def test_another_confirm_reason_is_no_repeat() -> None:
    world = DictWorld()
    claim = world.brought_to("CONFIRMED")
    with refused("ClaimOperationInvalid"):
        world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "ACCOUNT_CLOSURE")


def test_in_house_ownership_is_cancelled_as_claimer() -> None:
    world = DictWorld()
    claim = world.open("OWNERSHIP", claimer_ispb=DONOR_ISPB)
    cancelled = world.claims.cancel(world.by_donor(claim, "CancelClaim"), "FRAUD")
    assert cancelled.cancelled_by == "CLAIMER"


def test_in_house_ownership_runs_to_its_end() -> None:
    world = DictWorld()
    claim = world.open("OWNERSHIP", claimer_ispb=DONOR_ISPB)
    world.claims.acknowledge(world.by_donor(claim, "AcknowledgeClaim"))
    world.claims.confirm(world.by_donor(claim, "ConfirmClaim"), "USER_REQUESTED")
    assert world.claims.complete(world.completion(claim)).status == "COMPLETED"


@pytest.mark.parametrize("wrong", ["", "x", "a946d5337f2242a59a9be87cd55c0f4d"])
def test_complete_needs_a_uuid(wrong: str) -> None:
    world = DictWorld()
    claim = world.brought_to("CONFIRMED")
    with refused("ClaimInvalid"):
        world.claims.complete(replace(world.completion(claim), request_id=wrong))


def test_complete_needs_version_4() -> None:
    world = DictWorld()
    claim = world.brought_to("CONFIRMED")
    version_7 = "0197a5f0-6c00-7b5e-8d11-3f2a9c4e7b10"
    with refused("ClaimInvalid"):
        world.claims.complete(replace(world.completion(claim), request_id=version_7))


def test_a_completed_claim_takes_no_other_request_id() -> None:
    world = DictWorld()
    claim = world.brought_to("COMPLETED")
    with refused("ClaimOperationInvalid"):
        world.claims.complete(world.completion(claim, 901))


def test_a_request_id_of_an_entry_cannot_complete_a_claim() -> None:
    world = DictWorld()
    world.enter(key="+5561977770000", where=account(CLAIMER_ISPB), number=900)
    claim = world.brought_to("CONFIRMED")
    with refused("RequestIdAlreadyUsed"):
        world.claims.complete(world.completion(claim, 900))


def test_an_unknown_claim() -> None:
    world = DictWorld()
    claim = replace(world.open(), id="5d1f0c9e-3a7b-4c52-9e66-1b8f2d7a4c03")
    with refused("NotFound"):
        world.claims.acknowledge(world.by_donor(claim, "AcknowledgeClaim"))
    with refused("NotFound"):
        world.claims.get(claim.id, CLAIMER_ISPB)


def test_a_claim_is_shown_to_its_sides_and_who_represents_them() -> None:
    world = DictWorld(indirect={STRANGER_ISPB: frozenset({CLAIMER_ISPB})})
    claim = world.open()
    for asking in (CLAIMER_ISPB, DONOR_ISPB, STRANGER_ISPB):
        assert world.claims.get(claim.id, asking) == claim
    with refused("Forbidden"):
        world.claims.get(claim.id, "22222222")


def test_everything_of_a_claim_survives_its_document() -> None:
    world = DictWorld()
    legal = Owner("LEGAL_PERSON", "11222333000181", "Empresa & Filhos", "Exemplo")
    world.enter(legal, "pix@exemplo.example", "EMAIL")
    order = ClaimOrder(
        "PORTABILITY",
        "pix@exemplo.example",
        "EMAIL",
        account(CLAIMER_ISPB, "1", branch=None),
        legal,
    )
    claim = world.claims.create(order)
    assert world.claims.get(claim.id, CLAIMER_ISPB) == claim
