"""The tables of claims, cell by cell."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from claim_orchestrator.domain.claim import (
    ClaimType,
    DictStatus,
    ResolutionType,
    WorkflowStatus,
    require_claimable,
    require_supported,
)
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.outcomes import Operation, Outcome, outcome_of
from claim_orchestrator.domain.transitions import CLAIMER, Step, is_terminal, moves_forward
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.pix_key import KeyType

# Bacen's matrix, written out here once more on purpose (bacen-dict 1.1).
MATRIX = {
    ("PORTABILITY", "CPF"): True,
    ("PORTABILITY", "CNPJ"): True,
    ("PORTABILITY", "PHONE"): True,
    ("PORTABILITY", "EMAIL"): True,
    ("PORTABILITY", "EVP"): False,
    ("OWNERSHIP", "CPF"): False,
    ("OWNERSHIP", "CNPJ"): False,
    ("OWNERSHIP", "PHONE"): True,
    ("OWNERSHIP", "EMAIL"): False,
    ("OWNERSHIP", "EVP"): False,
}


def test_matrix_has_every_cell() -> None:
    assert set(MATRIX) == set(product(map(str, ClaimType), map(str, KeyType)))


@pytest.mark.parametrize(("pair", "allowed"), list(MATRIX.items()))
def test_claim_and_key_type(pair: tuple[str, str], allowed: bool) -> None:
    claim_type, key_type = ClaimType(pair[0]), KeyType(pair[1])
    if allowed:
        require_claimable(claim_type, key_type)
        return
    with pytest.raises(InputRefused) as refused:
        require_claimable(claim_type, key_type)
    assert refused.value.reason_code == "key-type-not-claimable"


def test_ownership_is_refused_until_possession_can_be_proved() -> None:
    require_supported(ClaimType.PORTABILITY)
    with pytest.raises(InputRefused, match="claim-type-unsupported"):
        require_supported(ClaimType.OWNERSHIP)


FORWARD = {
    ("OPEN", "WAITING_RESOLUTION"),
    ("OPEN", "CONFIRMED"),
    ("OPEN", "COMPLETED"),
    ("OPEN", "CANCELLED"),
    ("WAITING_RESOLUTION", "CONFIRMED"),
    ("WAITING_RESOLUTION", "COMPLETED"),
    ("WAITING_RESOLUTION", "CANCELLED"),
    ("CONFIRMED", "COMPLETED"),
    ("CONFIRMED", "CANCELLED"),
}


@pytest.mark.parametrize(("before", "seen"), list(product(DictStatus, DictStatus)))
def test_every_pair_of_statuses(before: DictStatus, seen: DictStatus) -> None:
    assert moves_forward(before, seen) == ((before, seen) in FORWARD)


def test_unknown_status_is_waited_out() -> None:
    assert not moves_forward("OPEN", "SUSPENDED")
    assert moves_forward("SUSPENDED", "CONFIRMED")
    assert moves_forward(None, "OPEN")


def test_every_status_has_its_consequence() -> None:
    assert set(CLAIMER) == set(DictStatus)
    ends = {status for status, arrival in CLAIMER.items() if arrival.next is Step.END}
    assert ends == {status for status in DictStatus if is_terminal(status)}
    assert CLAIMER[DictStatus.COMPLETED].resolution is ResolutionType.APPROVED
    assert CLAIMER[DictStatus.CANCELLED].resolution is ResolutionType.REJECTED
    running = [it for it in CLAIMER.values() if it.status is WorkflowStatus.RUNNING]
    assert all(arrival.resolution is None for arrival in running)


OUTCOMES = [
    (Operation.CREATE, "RateLimited", 429, Outcome.RETRY),
    (Operation.CREATE, "ResourceConflict", 409, Outcome.RETRY),
    (Operation.CREATE, "ServiceUnavailable", 503, Outcome.RETRY),
    (Operation.CREATE, "ClaimKeyNotFound", 404, Outcome.REFUSE),
    (Operation.CREATE, "ClaimAlreadyExistsForKey", 400, Outcome.REFUSE),
    (Operation.CREATE, "SomethingNew", 400, Outcome.REFUSE),
    (Operation.COMPLETE, "InternalServerError", 500, Outcome.RETRY),
    (Operation.COMPLETE, "ClaimOperationInvalid", 400, Outcome.REREAD),
    (Operation.COMPLETE, "NotFound", 404, Outcome.REREAD),
    (Operation.COMPLETE, "RequestIdAlreadyUsed", 400, Outcome.HOLD),
    (Operation.COMPLETE, "SomethingNew", 400, Outcome.HOLD),
    (Operation.GET, "Forbidden", 403, Outcome.HOLD),
]


@pytest.mark.parametrize(("operation", "problem", "status", "expected"), OUTCOMES)
def test_outcome(operation: Operation, problem: str, status: int, expected: Outcome) -> None:
    assert outcome_of(operation, problem, status) is expected


def test_deadlines_follow_the_length_of_a_day() -> None:
    start = datetime(2026, 2, 28, tzinfo=UTC)
    real, short = Calendar(86_400), Calendar(2)
    assert real.provisional_deadline(start) == start + timedelta(days=30)
    assert real.claimer_deadline(start) == start + timedelta(days=23)
    assert real.poll_interval() == timedelta(hours=6)
    assert short.claimer_deadline(start) == start + timedelta(seconds=46)
    assert short.poll_interval() == timedelta(seconds=0.5)
    assert real.claimer_deadline(None) is None
