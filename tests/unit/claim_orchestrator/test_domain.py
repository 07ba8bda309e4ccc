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
)
from claim_orchestrator.domain.course import Cause
from claim_orchestrator.domain.deadlines import Calendar, next_margin
from claim_orchestrator.domain.outcomes import Circumstance, Operation, Outcome, outcome_of
from claim_orchestrator.domain.transitions import (
    CLAIMER,
    is_expected,
    is_terminal,
    moves_forward,
    resolution_of,
)
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
    ends = {it for it, reached in CLAIMER.items() if reached.status != WorkflowStatus.RUNNING}
    assert ends == {status for status in DictStatus if is_terminal(status)}


@pytest.mark.parametrize(
    ("before", "seen", "expected"),
    [
        (None, "OPEN", True),
        (None, "CONFIRMED", False),
        ("OPEN", "WAITING_RESOLUTION", True),
        ("OPEN", "CONFIRMED", True),  # both between two polls
        ("OPEN", "COMPLETED", False),
        ("OPEN", "CANCELLED", True),
        ("WAITING_RESOLUTION", "COMPLETED", False),
        ("CONFIRMED", "COMPLETED", True),
        ("OPEN", "SUSPENDED", False),
    ],
)
def test_jump_is_told(before: str | None, seen: str, expected: bool) -> None:
    assert is_expected(before, seen) is expected


# design/04's table of ends, row by row.
ENDS = [
    (DictStatus.COMPLETED, None, None, ResolutionType.APPROVED),
    (DictStatus.CANCELLED, "DONOR", None, ResolutionType.REJECTED),
    (DictStatus.CANCELLED, "DONOR", Cause.DECISION, ResolutionType.REJECTED),
    (DictStatus.CANCELLED, "DONOR", Cause.DEADLINE, ResolutionType.REJECTED),
    (DictStatus.CANCELLED, "CLAIMER", Cause.DECISION, ResolutionType.CANCELLED),
    (DictStatus.CANCELLED, "CLAIMER", Cause.OPERATOR, ResolutionType.CANCELLED),
    (DictStatus.CANCELLED, "CLAIMER", Cause.DEADLINE, ResolutionType.TIMEOUT),
    (DictStatus.CANCELLED, "CLAIMER", None, ResolutionType.CANCELLED),
    (DictStatus.CONFIRMED, None, Cause.DECISION, None),
]


@pytest.mark.parametrize(("status", "by", "cause", "expected"), ENDS)
def test_how_it_ended(
    status: DictStatus, by: str | None, cause: Cause | None, expected: ResolutionType | None
) -> None:
    assert resolution_of(status, by, cause) is expected


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
    (Operation.COMPLETE, "ClaimCompletionPeriodNotEnded", 400, Outcome.RETRY),
    (Operation.CANCEL, "ClaimResolutionPeriodNotEnded", 400, Outcome.RETRY),
    (Operation.CANCEL, "InvalidReason", 400, Outcome.HOLD),
    (Operation.CANCEL, "ClaimOperationInvalid", 400, Outcome.REREAD),
    (Operation.CANCEL, "RateLimited", 429, Outcome.RETRY),
    (Operation.LIST, "RateLimited", 429, Outcome.RETRY),
    (Operation.GET, "Forbidden", 403, Outcome.HOLD),
]


@pytest.mark.parametrize(("operation", "problem", "status", "expected"), OUTCOMES)
def test_outcome(operation: Operation, problem: str, status: int, expected: Outcome) -> None:
    assert outcome_of(operation, problem, status) is expected


def test_what_the_table_must_know_beside_the_answer() -> None:
    unknown, default = Circumstance(after_unknown=True), Circumstance(by_default=True)
    exists = (Operation.CREATE, "ClaimAlreadyExistsForKey", 400)
    assert outcome_of(*exists) is Outcome.REFUSE
    assert outcome_of(*exists, unknown) is Outcome.REREAD
    assert outcome_of(Operation.CANCEL, "InvalidReason", 400, default) is Outcome.RETRY


def test_margins_are_announced_once_and_the_late_ones_by_the_smallest() -> None:
    deadline = datetime(2026, 2, 28, tzinfo=UTC)
    five, one = timedelta(days=5), timedelta(days=1)
    start = deadline - timedelta(days=10)
    assert next_margin(deadline, [one, five], start, start) == five
    assert next_margin(deadline, [one, five], deadline - five, deadline - five) == one
    assert next_margin(deadline, [one, five], deadline - one, deadline - one) is None
    asleep = deadline - timedelta(hours=3)
    assert next_margin(deadline, [one, five], start, asleep) == one
    assert next_margin(deadline, [one, five], start, deadline) is None


def test_held_step_is_tried_again_later_and_later() -> None:
    calendar = Calendar(86_400)
    waits = [calendar.again_after(failures).total_seconds() for failures in range(1, 13)]
    assert waits[:3] == [30, 60, 120]
    assert waits[-1] == timedelta(hours=6).total_seconds()
    assert Calendar(2).again_after(1) == timedelta(seconds=0.5)


def test_deadlines_follow_the_length_of_a_day() -> None:
    start = datetime(2026, 2, 28, tzinfo=UTC)
    real, short = Calendar(86_400), Calendar(2)
    assert real.provisional_deadline(start) == start + timedelta(days=30)
    assert real.claimer_deadline(start) == start + timedelta(days=23)
    assert real.poll_interval() == timedelta(hours=6)
    assert short.claimer_deadline(start) == start + timedelta(seconds=46)
    assert short.poll_interval() == timedelta(seconds=0.5)
    assert real.claimer_deadline(None) is None
