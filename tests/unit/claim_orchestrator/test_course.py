"""What a claimer does next, and what is made of decisions: every cell, allowed and refused."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from claim_orchestrator.domain.claim import ClaimType, DictStatus
from claim_orchestrator.domain.course import Cause, Intent, Kind, Move, View, next_move
from claim_orchestrator.domain.decisions import Decision, effective_at, judge
from claim_orchestrator.domain.reasons import CancelReason, may_cancel

DAY = timedelta(days=1)
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY_14, DAY_30 = CREATED + 14 * DAY, CREATED + 30 * DAY
BEFORE, AFTER = timedelta(milliseconds=-1), timedelta(milliseconds=1)

# The claimer's half of bacen-dict 1.4, written out here once more on purpose.
ALLOWED = {
    ("PORTABILITY", "OPEN"): "USER_REQUESTED ACCOUNT_CLOSURE FRAUD RFB_VALIDATION RECONCILIATION",
    ("PORTABILITY", "WAITING_RESOLUTION"): "USER_REQUESTED ACCOUNT_CLOSURE FRAUD RFB_VALIDATION",
    ("PORTABILITY", "CONFIRMED"): "FRAUD RECONCILIATION RFB_VALIDATION",
    ("OWNERSHIP", "OPEN"): "USER_REQUESTED ACCOUNT_CLOSURE FRAUD DEFAULT_OPERATION",
    ("OWNERSHIP", "WAITING_RESOLUTION"): "USER_REQUESTED ACCOUNT_CLOSURE FRAUD DEFAULT_OPERATION",
    ("OWNERSHIP", "CONFIRMED"): "USER_REQUESTED ACCOUNT_CLOSURE FRAUD DEFAULT_OPERATION",
}
WORDS = [*map(str, CancelReason), "PARTICIPANT_EXCLUSION", "SOMETHING_NEW", ""]
OPEN_STATUSES = [DictStatus.OPEN, DictStatus.WAITING_RESOLUTION, DictStatus.CONFIRMED]


def view(claim_type: ClaimType, status: DictStatus, **more: object) -> View:
    """A claim with DICT's dates."""
    ends = DAY_14 if claim_type is ClaimType.OWNERSHIP else None
    return View(claim_type, status, DAY_30, ends, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim_type", "status", "reason"), list(product(ClaimType, DictStatus, WORDS))
)
def test_every_cell_of_status_action_and_reason(
    claim_type: ClaimType, status: DictStatus, reason: str
) -> None:
    allowed = reason in ALLOWED.get((claim_type, status), "").split() and reason != ""
    assert may_cancel(claim_type, status, reason) is allowed
    verdict = judge("REFUSE", reason, CREATED, view(claim_type, status), resolving=False)
    over = status in (DictStatus.COMPLETED, DictStatus.CANCELLED)
    if over:
        assert verdict.refused == "claim-already-resolved"
    elif reason == "":  # the default of a refusal
        wanted = "USER_REQUESTED" in ALLOWED[claim_type, status].split()
        assert (verdict.cancel_reason == "USER_REQUESTED") is wanted
    elif allowed and reason != "DEFAULT_OPERATION":
        assert (verdict.refused, verdict.cancel_reason) == (None, reason)
    else:
        assert verdict.refused == "reason-not-allowed"
        assert "SOMETHING_NEW" not in verdict.detail


@pytest.mark.parametrize("claim_type", ClaimType)
@pytest.mark.parametrize("status", OPEN_STATUSES)
@pytest.mark.parametrize("decision", Decision)
def test_millisecond_around_the_deadline(
    claim_type: ClaimType, status: DictStatus, decision: Decision
) -> None:
    reason = "FRAUD"
    seen = view(claim_type, status)
    in_time = judge(decision, reason, DAY_30 + BEFORE, seen, resolving=False)
    assert in_time.refused is None
    for late in (timedelta(0), AFTER):
        verdict = judge(decision, reason, DAY_30 + late, seen, resolving=False)
        assert verdict.refused == "decision-late"


def test_first_that_settles_wins() -> None:
    settled = view(
        ClaimType.PORTABILITY, DictStatus.OPEN, intent=Intent(Cause.DECISION, "USER_REQUESTED")
    )
    for decision in Decision:
        assert judge(decision, None, CREATED, settled, resolving=False).refused == "already-decided"
    # An ACCEPT settles nothing: a user who withdraws afterwards is heard.
    fresh = view(ClaimType.PORTABILITY, DictStatus.OPEN)
    assert judge("ACCEPT", None, CREATED, fresh, resolving=False).cancel_reason is None
    on_its_way = judge(
        "REFUSE", None, CREATED, view(ClaimType.OWNERSHIP, DictStatus.CONFIRMED), resolving=True
    )
    assert on_its_way.refused == "already-decided"


@pytest.mark.parametrize(
    ("decided", "published", "expected"),
    [
        (CREATED, CREATED, CREATED),
        (CREATED + timedelta(seconds=2), CREATED, CREATED + timedelta(seconds=2)),
        (CREATED + timedelta(seconds=2.001), CREATED, CREATED),  # of the future: now
        (CREATED - timedelta(minutes=15), CREATED, CREATED - timedelta(minutes=15)),
        (CREATED - timedelta(minutes=15, seconds=1), CREATED, CREATED),  # too old to believe
        (CREATED - 40 * DAY, CREATED - DAY, CREATED - DAY),
        (CREATED, CREATED + timedelta(hours=2), CREATED),  # the sender's clock runs ahead
    ],
)
def test_instant_that_a_decision_counts_from(
    decided: datetime, published: datetime, expected: datetime
) -> None:
    assert effective_at(decided, published, CREATED) == expected


PORTABILITY, OWNERSHIP = ClaimType.PORTABILITY, ClaimType.OWNERSHIP
OPEN, WAITING, CONFIRMED = OPEN_STATUSES
MOVES = [
    (PORTABILITY, OPEN, CREATED, Move(Kind.WAIT, until=DAY_30)),
    (PORTABILITY, WAITING, DAY_30 + BEFORE, Move(Kind.WAIT, until=DAY_30)),
    (PORTABILITY, OPEN, DAY_30, Move(Kind.EXPIRE, reason="USER_REQUESTED")),
    (PORTABILITY, WAITING, DAY_30 + AFTER, Move(Kind.EXPIRE, reason="USER_REQUESTED")),
    (PORTABILITY, CONFIRMED, CREATED, Move(Kind.COMPLETE)),
    (PORTABILITY, CONFIRMED, DAY_30 + AFTER, Move(Kind.COMPLETE)),
    (OWNERSHIP, OPEN, DAY_30, Move(Kind.EXPIRE, reason="DEFAULT_OPERATION")),
    (OWNERSHIP, WAITING, DAY_30, Move(Kind.EXPIRE, reason="DEFAULT_OPERATION")),
    (OWNERSHIP, CONFIRMED, DAY_14 + BEFORE, Move(Kind.WAIT, until=DAY_14)),
    (OWNERSHIP, CONFIRMED, DAY_14, Move(Kind.WAIT, until=DAY_30)),
    (OWNERSHIP, CONFIRMED, DAY_30, Move(Kind.EXPIRE, reason="DEFAULT_OPERATION")),
]


@pytest.mark.parametrize(("claim_type", "status", "now", "expected"), MOVES)
def test_next_move(
    claim_type: ClaimType, status: DictStatus, now: datetime, expected: Move
) -> None:
    assert next_move(view(claim_type, status), now) == expected


def test_ownership_needs_a_proof_made_after_the_period() -> None:
    early = view(OWNERSHIP, CONFIRMED, proven_at=DAY_14 + BEFORE)
    assert next_move(early, DAY_14 + DAY) == Move(Kind.WAIT, until=DAY_30)
    proven = view(OWNERSHIP, CONFIRMED, proven_at=DAY_14)
    assert next_move(proven, DAY_14 + DAY) == Move(Kind.COMPLETE)
    assert next_move(proven, DAY_30) == Move(Kind.COMPLETE), "the default is for who did not"
    last = view(OWNERSHIP, CONFIRMED, proven_at=DAY_30 + BEFORE)
    assert next_move(last, DAY_30 + DAY) == Move(Kind.COMPLETE)
    late = view(OWNERSHIP, CONFIRMED, proven_at=DAY_30)
    assert next_move(late, DAY_30) == Move(Kind.EXPIRE, reason="DEFAULT_OPERATION")
    skipped = view(OWNERSHIP, CONFIRMED, possession_required=False)
    assert next_move(skipped, DAY_14 + BEFORE) == Move(Kind.WAIT, until=DAY_14)
    assert next_move(skipped, DAY_14) == Move(Kind.COMPLETE)


def test_settled_cancellation_is_done_or_dropped() -> None:
    wish = Intent(Cause.DECISION, "USER_REQUESTED")
    cancel = Move(Kind.CANCEL, reason="USER_REQUESTED")
    assert next_move(view(PORTABILITY, WAITING, intent=wish), DAY_30 + DAY) == cancel
    assert next_move(view(OWNERSHIP, CONFIRMED, intent=wish), CREATED) == cancel
    assert next_move(view(PORTABILITY, CONFIRMED, intent=wish), CREATED) == Move(Kind.DROP_INTENT)


@pytest.mark.parametrize("status", [DictStatus.COMPLETED, DictStatus.CANCELLED])
def test_nothing_follows_the_end(status: DictStatus) -> None:
    for claim_type in ClaimType:
        seen = view(claim_type, status, intent=Intent(Cause.DEADLINE, "USER_REQUESTED"))
        assert next_move(seen, DAY_30) == Move(Kind.END)
