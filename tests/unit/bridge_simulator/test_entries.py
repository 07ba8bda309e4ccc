"""Entries, by section 2: patterns, owners, reasons, limits, locks, RequestId."""

from dataclasses import replace

import pytest

from bridge_simulator.ledger import Call
from bridge_simulator.records import Account, EntryOrder, Owner
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    COMPANY,
    DONOR_ISPB,
    JOAO,
    MARIA,
    PHONE,
    DictWorld,
    account,
    refused,
    request_id,
)

ORDER = EntryOrder(PHONE, "PHONE", account(DONOR_ISPB), JOAO)
CREATE = Call("CreateEntry", DONOR_ISPB, request_id=request_id(1))
UPDATE = Call("UpdateEntry", DONOR_ISPB)
DELETE = Call("DeleteEntry", DONOR_ISPB)


@pytest.mark.parametrize(
    ("key_type", "key", "right"),
    [
        ("PHONE", "+5561988880000", True),
        ("PHONE", "+1234567890123456", False),
        ("PHONE", "+0511987654321", False),
        ("PHONE", "5511987654321", False),
        ("PHONE", "+55١١987654321", False),
        ("PHONE", "+5561988880000\n", False),
        ("EMAIL", "pix@bcb.gov.br", True),
        ("EMAIL", "Pix@bcb.gov.br", False),
        ("EMAIL", "a&b@bcb.gov.br", False),
        ("EMAIL", "a%b@bcb.gov.br", False),
        ("EMAIL", "x" * 70 + "@a.b.com", False),
        ("EMAIL", "bcb.gov.br", False),
        ("FAX", "1", False),
        ("CPF", "1112223330", False),
        ("EVP", "123e4567-e89b-12d3-a456-426655440000", False),
    ],
)
def test_keys(key_type: str, key: str, right: bool) -> None:
    world = DictWorld()
    order = replace(ORDER, key=key, key_type=key_type)
    if right:
        assert world.entries.create(order, "USER_REQUESTED", CREATE).key == key
    else:
        with refused("EntryInvalid"):
            world.entries.create(order, "USER_REQUESTED", CREATE)


def test_an_evp_is_made_by_dict() -> None:
    world = DictWorld()
    order = replace(ORDER, key="", key_type="EVP")
    first = world.entries.create(order, "USER_REQUESTED", CREATE)
    assert world.entries.get(first.key)[0] == first
    assert world.entries.create(order, "USER_REQUESTED", CREATE).key == first.key


def test_an_alphanumeric_cnpj_is_a_key() -> None:
    owner = replace(COMPANY, tax_id_number="12ABC34501DE35")
    order = EntryOrder("12ABC34501DE35", "CNPJ", account(DONOR_ISPB), owner)
    assert DictWorld().entries.create(order, "USER_REQUESTED", CREATE).owner == owner


@pytest.mark.parametrize(
    ("key_type", "key", "owner"),
    [("CPF", MARIA.tax_id_number, JOAO), ("CNPJ", "99888777000166", COMPANY)],
)
def test_a_tax_id_key_is_the_owners(key_type: str, key: str, owner: Owner) -> None:
    with refused("EntryTaxIdNumberByDifferentOwner"):
        DictWorld().entries.create(
            EntryOrder(key, key_type, account(DONOR_ISPB), owner), "USER_REQUESTED", CREATE
        )


@pytest.mark.parametrize(
    ("owner", "where", "problem_type"),
    [
        (MARIA, account(CLAIMER_ISPB), "EntryKeyOwnedByDifferentPerson"),
        (JOAO, account(CLAIMER_ISPB), "EntryKeyInCustodyOfDifferentParticipant"),
        (JOAO, account(DONOR_ISPB, "2"), "EntryAlreadyExists"),
    ],
)
def test_a_taken_key_says_whom_to_ask(owner: Owner, where: Account, problem_type: str) -> None:
    world = DictWorld()
    world.enter()
    with refused(problem_type):
        world.enter(owner, where=where)


@pytest.mark.parametrize(("owner", "keys_max"), [(JOAO, 5), (COMPANY, 20)])
def test_keys_of_one_account(owner: Owner, keys_max: int) -> None:
    world = DictWorld()
    for number in range(keys_max):
        world.enter(owner, f"+55619888800{number:02}")
    with refused("EntryLimitExceeded"):
        world.enter(owner, "+5561977770000")
    world.enter(owner, "+5561977770000", where=account(DONOR_ISPB, "2"))


CREATE_REASONS = {"USER_REQUESTED", "RECONCILIATION"}
UPDATE_REASONS = {"USER_REQUESTED", "BRANCH_TRANSFER", "RECONCILIATION", "RFB_VALIDATION"}
DELETE_REASONS = {
    "USER_REQUESTED",
    "ACCOUNT_CLOSURE",
    "RECONCILIATION",
    "FRAUD",
    "RFB_VALIDATION",
}
REASONS = sorted(CREATE_REASONS | UPDATE_REASONS | DELETE_REASONS | {"DEFAULT_OPERATION", ""})


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_of_create(reason: str) -> None:
    world = DictWorld()
    if reason in CREATE_REASONS:
        assert world.entries.create(ORDER, reason, CREATE).key == PHONE
    else:
        with refused("InvalidReason"):
            world.entries.create(ORDER, reason, CREATE)


@pytest.mark.parametrize("key_type", ["PHONE", "EVP"])
@pytest.mark.parametrize("reason", REASONS)
def test_reasons_of_update(reason: str, key_type: str) -> None:
    world = DictWorld()
    key = world.enter(key=PHONE if key_type == "PHONE" else "", key_type=key_type).key
    moved = account(DONOR_ISPB, "42")
    allowed = UPDATE_REASONS - ({"USER_REQUESTED"} if key_type == "EVP" else set())
    if reason in allowed:
        assert world.entries.update(key, moved, JOAO, reason, UPDATE).account == moved
    else:
        with refused("InvalidReason"):
            world.entries.update(key, moved, JOAO, reason, UPDATE)


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_of_delete(reason: str) -> None:
    world = DictWorld()
    world.enter()
    if reason in DELETE_REASONS:
        world.entries.delete(PHONE, reason, DELETE)
        assert not world.has(PHONE)
    else:
        with refused("InvalidReason"):
            world.entries.delete(PHONE, reason, DELETE)
        assert world.has(PHONE)


def test_an_update_keeps_the_request_id_and_changes_the_cid() -> None:
    world = DictWorld()
    old = world.enter()
    new = world.entries.update(PHONE, account(DONOR_ISPB, "42"), JOAO, "USER_REQUESTED", UPDATE)
    assert new.request_id == old.request_id
    assert new.cid != old.cid
    assert new.creation_date == old.creation_date


def test_an_update_never_changes_the_owner() -> None:
    world = DictWorld()
    world.enter()
    with refused("EntryTaxIdNumberByDifferentOwner"):
        world.entries.update(PHONE, account(DONOR_ISPB), MARIA, "USER_REQUESTED", UPDATE)


def test_only_the_holder_may_change_an_entry() -> None:
    world = DictWorld()
    world.enter()
    with refused("Forbidden"):
        world.entries.update(PHONE, account(CLAIMER_ISPB), JOAO, "USER_REQUESTED", UPDATE)
    with refused("Forbidden"):
        world.entries.delete(PHONE, "USER_REQUESTED", Call("DeleteEntry", CLAIMER_ISPB))


def test_an_unknown_key() -> None:
    world = DictWorld()
    with refused("NotFound"):
        world.entries.get(PHONE)
    with refused("NotFound"):
        world.entries.delete(PHONE, "USER_REQUESTED", DELETE)


@pytest.mark.parametrize("status", ["OPEN", "WAITING_RESOLUTION"])
def test_an_open_claim_locks_delete_but_not_update(status: str) -> None:
    world = DictWorld()
    claim = world.brought_to(status)
    with refused("EntryLockedByClaim"):
        world.entries.delete(PHONE, "USER_REQUESTED", DELETE)
    moved = account(DONOR_ISPB, "42")
    assert world.entries.update(PHONE, moved, JOAO, "USER_REQUESTED", UPDATE).account == moved
    assert world.entries.get(PHONE)[1] == claim


@pytest.mark.parametrize("status", ["OPEN", "WAITING_RESOLUTION", "CONFIRMED"])
def test_an_open_claim_locks_create(status: str) -> None:
    world = DictWorld()
    world.brought_to(status)
    with refused("EntryLockedByClaim"):
        world.enter(MARIA)


def test_the_same_request_id_answers_again_or_is_refused() -> None:
    world = DictWorld()
    first = world.entries.create(ORDER, "USER_REQUESTED", CREATE)
    world.wait(hours=1)
    assert world.entries.create(ORDER, "USER_REQUESTED", CREATE) == first
    with refused("RequestIdAlreadyUsed"):
        world.entries.create(replace(ORDER, key="+5561977770000"), "USER_REQUESTED", CREATE)
    with refused("RequestIdAlreadyUsed"):
        world.entries.create(ORDER, "RECONCILIATION", CREATE)
    assert [(o.effective, o.problem_type) for o in world.ledger()] == [
        (True, ""),
        (False, ""),
        (False, "RequestIdAlreadyUsed"),
        (False, "RequestIdAlreadyUsed"),
    ]


def test_a_request_id_is_unique_per_participant_only() -> None:
    world = DictWorld()
    world.enter(number=7)
    world.enter(key="+5561977770000", where=account(CLAIMER_ISPB), number=7)


@pytest.mark.parametrize("wrong", ["", "7", "0197a5f0-6c00-7b5e-8d11-3f2a9c4e7b10"])
def test_a_request_id_is_a_uuid_of_version_4(wrong: str) -> None:
    with refused("EntryInvalid"):
        DictWorld().entries.create(ORDER, "USER_REQUESTED", replace(CREATE, request_id=wrong))
