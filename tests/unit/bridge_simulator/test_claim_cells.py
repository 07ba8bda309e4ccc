"""Every cell of tables 1.2 to 1.4: type × status × role × reason × time, allowed and refused.

The expectations are written out here from Bacen's text; nothing is taken from the product's tables.
"""

import itertools

import pytest

from bridge_simulator import claim_rules
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Claim
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    STRANGER_ISPB,
    DictWorld,
)

TYPES = ("PORTABILITY", "OWNERSHIP")
STATUSES = ("OPEN", "WAITING_RESOLUTION", "CONFIRMED", "COMPLETED", "CANCELLED")
ISPB = {"DONOR": DONOR_ISPB, "CLAIMER": CLAIMER_ISPB, "STRANGER": STRANGER_ISPB}
REASONS = (
    "USER_REQUESTED",
    "ACCOUNT_CLOSURE",
    "FRAUD",
    "DEFAULT_OPERATION",
    "RECONCILIATION",
    "RFB_VALIDATION",
    "PARTICIPANT_EXCLUSION",
    "",
)
TIMES = {
    "day 6.999": {"days": 7, "milliseconds": -1},
    "day 7": {"days": 7},
    "day 29.999": {"days": 30, "milliseconds": -1},
    "day 30": {"days": 30},
}
AFTER_RESOLUTION = {"day 7", "day 29.999", "day 30"}

# (type, status, role): reasons allowed at any time · those that wait for a day
CANCEL = {
    ("PORTABILITY", "OPEN", "DONOR"): ("USER_REQUESTED FRAUD", "DEFAULT_OPERATION@7"),
    ("PORTABILITY", "WAITING_RESOLUTION", "DONOR"): ("USER_REQUESTED FRAUD", "DEFAULT_OPERATION@7"),
    ("PORTABILITY", "OPEN", "CLAIMER"): (
        "USER_REQUESTED ACCOUNT_CLOSURE FRAUD RFB_VALIDATION RECONCILIATION",
        "",
    ),
    ("PORTABILITY", "WAITING_RESOLUTION", "CLAIMER"): (
        "USER_REQUESTED ACCOUNT_CLOSURE FRAUD RFB_VALIDATION",
        "",
    ),
    ("PORTABILITY", "CONFIRMED", "CLAIMER"): ("FRAUD RECONCILIATION RFB_VALIDATION", ""),
    ("OWNERSHIP", "OPEN", "DONOR"): ("FRAUD", ""),
    ("OWNERSHIP", "WAITING_RESOLUTION", "DONOR"): ("FRAUD", ""),
    ("OWNERSHIP", "CONFIRMED", "DONOR"): ("FRAUD", ""),
    ("OWNERSHIP", "OPEN", "CLAIMER"): (
        "USER_REQUESTED ACCOUNT_CLOSURE FRAUD",
        "DEFAULT_OPERATION@30",
    ),
    ("OWNERSHIP", "WAITING_RESOLUTION", "CLAIMER"): (
        "USER_REQUESTED ACCOUNT_CLOSURE FRAUD",
        "DEFAULT_OPERATION@30",
    ),
    ("OWNERSHIP", "CONFIRMED", "CLAIMER"): (
        "USER_REQUESTED ACCOUNT_CLOSURE FRAUD",
        "DEFAULT_OPERATION@30",
    ),
}
CONFIRM = {
    "PORTABILITY": ("USER_REQUESTED ACCOUNT_CLOSURE", ""),
    "OWNERSHIP": ("USER_REQUESTED", "DEFAULT_OPERATION@7"),
}


def expected_cancel(claim_type: str, status: str, role: str, reason: str, time: str) -> str:
    """The status or the problem that Bacen's tables give."""
    if role == "STRANGER":
        return "Forbidden"
    if status == "CANCELLED" and (role, reason) == ("DONOR", "FRAUD"):
        return "CANCELLED"  # as it was cancelled: a repeat
    cell = CANCEL.get((claim_type, status, role))
    if cell is None:
        return "ClaimOperationInvalid"
    always, later = cell
    if reason in always.split():
        return "CANCELLED"
    if later == f"{reason}@7":
        return "CANCELLED" if time in AFTER_RESOLUTION else "ClaimResolutionPeriodNotEnded"
    if later == f"{reason}@30" and time == "day 30":
        return "CANCELLED"
    return "InvalidReason"


def expected_confirm(claim_type: str, status: str, role: str, reason: str, time: str) -> str:
    """The status or the problem that Bacen's tables give."""
    if role != "DONOR":
        return "Forbidden"
    if status == "CONFIRMED" and reason == "USER_REQUESTED":
        return "CONFIRMED"  # as it was confirmed: a repeat
    if status != "WAITING_RESOLUTION":
        return "ClaimOperationInvalid"
    always, later = CONFIRM[claim_type]
    if reason in always.split():
        return "CONFIRMED"
    if later == f"{reason}@7":
        return "CONFIRMED" if time in AFTER_RESOLUTION else "ClaimResolutionPeriodNotEnded"
    return "InvalidReason"


@pytest.fixture(scope="module")
def claims() -> dict[tuple[str, str], Claim]:
    """A claim of each type in each status."""
    return {
        (claim_type, status): DictWorld().brought_to(status, claim_type)
        for claim_type, status in itertools.product(TYPES, STATUSES)
    }


def _cells() -> list[tuple[str, str, str, str, str]]:
    return list(itertools.product(TYPES, STATUSES, ISPB, REASONS, TIMES))


@pytest.mark.parametrize(("claim_type", "status", "role", "reason", "time"), _cells())
def test_cancel(
    claims: dict[tuple[str, str], Claim],
    claim_type: str,
    status: str,
    role: str,
    reason: str,
    time: str,
) -> None:
    world = DictWorld()
    now = world.wait(**TIMES[time])
    claim = claims[claim_type, status]
    try:
        change = claim_rules.cancel(claim, ISPB[role], reason, now, world.directory.periods)
    except DictProblem as problem:
        outcome = problem.type_name
    else:
        outcome = change.claim.status
        assert change.effective == (status != "CANCELLED")
        assert (change.claim.cancel_reason, change.claim.cancelled_by) == (reason, role)
    assert outcome == expected_cancel(claim_type, status, role, reason, time)


@pytest.mark.parametrize(("claim_type", "status", "role", "reason", "time"), _cells())
def test_confirm(
    claims: dict[tuple[str, str], Claim],
    claim_type: str,
    status: str,
    role: str,
    reason: str,
    time: str,
) -> None:
    now = DictWorld().wait(**TIMES[time])
    claim = claims[claim_type, status]
    try:
        change = claim_rules.confirm(claim, ISPB[role], reason, now)
    except DictProblem as problem:
        outcome = problem.type_name
    else:
        outcome = change.claim.status
        assert change.effective == (status != "CONFIRMED")
        assert change.claim.confirm_reason == reason
    assert outcome == expected_confirm(claim_type, status, role, reason, time)


@pytest.mark.parametrize(
    ("claim_type", "status", "role"), list(itertools.product(TYPES, STATUSES, ISPB))
)
def test_acknowledge(
    claims: dict[tuple[str, str], Claim], claim_type: str, status: str, role: str
) -> None:
    try:
        change = claim_rules.acknowledge(
            claims[claim_type, status], ISPB[role], DictWorld().wait(seconds=5)
        )
    except DictProblem as problem:
        outcome = problem.type_name
    else:
        outcome = f"{change.claim.status} {change.effective}"
    expected = {"OPEN": "WAITING_RESOLUTION True", "WAITING_RESOLUTION": "WAITING_RESOLUTION False"}
    assert outcome == (
        expected.get(status, "ClaimOperationInvalid") if role == "DONOR" else "Forbidden"
    )


@pytest.mark.parametrize(
    ("claim_type", "status", "role"), list(itertools.product(TYPES, STATUSES, ISPB))
)
def test_complete(
    claims: dict[tuple[str, str], Claim], claim_type: str, status: str, role: str
) -> None:
    claim = claims[claim_type, status]
    request = claim.request_id or "a946d533-7f22-42a5-9a9b-e87cd55c0f4d"
    try:
        change = claim_rules.complete(claim, ISPB[role], request, DictWorld().wait(days=8))
    except DictProblem as problem:
        outcome = problem.type_name
    else:
        outcome = f"{change.claim.status} {change.effective}"
    expected = {"CONFIRMED": "COMPLETED True", "COMPLETED": "COMPLETED False"}
    assert outcome == (
        expected.get(status, "ClaimOperationInvalid") if role == "CLAIMER" else "Forbidden"
    )
