"""ListClaims with every parameter of section 1.6."""

from datetime import timedelta

import pytest

from bridge_simulator.claim_operations import ClaimQuery
from bridge_simulator.records import ClaimOrder
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    MARIA,
    START,
    STRANGER_ISPB,
    DictWorld,
    account,
    refused,
)


def _claim(world: DictWorld, number: int, donor: str, claimer: str, kind: str = "") -> str:
    key = f"+55619888{number:05}"
    world.enter(JOAO, key, where=account(donor, str(number + 1)))
    owner = MARIA if kind == "OWNERSHIP" else JOAO
    order = ClaimOrder(kind or "PORTABILITY", key, "PHONE", account(claimer), owner)
    claim_id = world.claims.create(order).id
    world.wait(seconds=1)
    return claim_id


def _ids(world: DictWorld, query: ClaimQuery) -> list[str]:
    return [claim.id for claim in world.claims.list(query)[0]]


@pytest.fixture
def both_roles() -> tuple[DictWorld, str, str]:
    """A participant that is the claimer of the first claim and the donor of the second."""
    world = DictWorld()
    first = _claim(world, 0, DONOR_ISPB, CLAIMER_ISPB)
    second = _claim(world, 1, CLAIMER_ISPB, DONOR_ISPB)
    _claim(world, 2, DONOR_ISPB, STRANGER_ISPB)
    return world, first, second


@pytest.mark.parametrize(
    ("is_donor", "is_claimer", "which"),
    [
        (None, None, [0, 1]),
        (True, True, [0, 1]),
        (False, False, [0, 1]),
        (False, None, [0, 1]),
        (True, None, [1]),
        (True, False, [1]),
        (None, True, [0]),
        (False, True, [0]),
    ],
)
def test_roles(
    both_roles: tuple[DictWorld, str, str],
    is_donor: bool | None,
    is_claimer: bool | None,
    which: list[int],
) -> None:
    world, *claims = both_roles
    query = ClaimQuery(CLAIMER_ISPB, is_donor=is_donor, is_claimer=is_claimer)
    assert _ids(world, query) == [claims[index] for index in which]


def test_status_and_type() -> None:
    world = DictWorld()
    first = _claim(world, 0, DONOR_ISPB, CLAIMER_ISPB)
    second = _claim(world, 1, DONOR_ISPB, CLAIMER_ISPB, "OWNERSHIP")
    claim = world.claims.get(first, DONOR_ISPB)
    world.claims.acknowledge(world.by_donor(claim, "AcknowledgeClaim"))
    assert _ids(world, ClaimQuery(DONOR_ISPB)) == [second, first]
    assert _ids(world, ClaimQuery(DONOR_ISPB, status=frozenset({"OPEN"}))) == [second]
    two = frozenset({"OPEN", "WAITING_RESOLUTION"})
    assert _ids(world, ClaimQuery(DONOR_ISPB, status=two)) == [second, first]
    assert _ids(world, ClaimQuery(DONOR_ISPB, status=frozenset({"COMPLETED"}))) == []
    assert _ids(world, ClaimQuery(DONOR_ISPB, type="PORTABILITY")) == [first]


def test_both_ends_of_the_time_belong() -> None:
    world = DictWorld()
    claims = [_claim(world, number, DONOR_ISPB, CLAIMER_ISPB) for number in range(4)]
    window = ClaimQuery(
        DONOR_ISPB,
        modified_after=START + timedelta(seconds=1),
        modified_before=START + timedelta(seconds=2),
    )
    assert _ids(world, window) == claims[1:3]
    just_after = START + timedelta(seconds=1, microseconds=1)
    assert _ids(world, ClaimQuery(DONOR_ISPB, modified_after=just_after)) == claims[2:]


def test_pages_by_modified_after_repeat_the_boundary() -> None:
    world = DictWorld()
    claims = [_claim(world, number, DONOR_ISPB, CLAIMER_ISPB) for number in range(25)]
    page, has_more = world.claims.list(ClaimQuery(DONOR_ISPB))
    assert ([claim.id for claim in page], has_more) == (claims[:20], True)
    query = ClaimQuery(DONOR_ISPB, modified_after=page[-1].last_modified, limit=6)
    rest, has_more = world.claims.list(query)
    assert ([claim.id for claim in rest], has_more) == (claims[19:], False)


@pytest.mark.parametrize("limit", [0, 201])
def test_the_limit(limit: int) -> None:
    with refused("BadRequest"):
        DictWorld().claims.list(ClaimQuery(DONOR_ISPB, limit=limit))


def test_indirect_participants_only_when_asked_for() -> None:
    world = DictWorld(indirect={STRANGER_ISPB: frozenset({DONOR_ISPB})})
    claim = _claim(world, 0, DONOR_ISPB, CLAIMER_ISPB)
    assert _ids(world, ClaimQuery(STRANGER_ISPB)) == []
    assert _ids(world, ClaimQuery(STRANGER_ISPB, include_indirect_participants=True)) == [claim]


def test_a_malformed_participant() -> None:
    with refused("ParticipantInvalid"):
        DictWorld().claims.list(ClaimQuery("1"))
