"""What an operation makes of a claim. Pure: state and time come in, a new claim goes out.

Every function raises DictProblem with Bacen's type. A repeat that Bacen calls idempotent gives the
claim back unchanged with `effective` False.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge_simulator import formats
from bridge_simulator.claim_tables import CANCEL_REASONS, CONFIRM_REASONS, KEY_TYPES, When
from bridge_simulator.periods import Periods
from bridge_simulator.problems import DictProblem, Violation
from bridge_simulator.records import (
    CANCELLED,
    CLAIMER,
    COMPLETED,
    CONFIRMED,
    DONOR,
    OPEN,
    OWNERSHIP,
    PORTABILITY,
    WAITING_RESOLUTION,
    Claim,
    ClaimOrder,
    Entry,
)


@dataclass(frozen=True)
class Change:
    """The claim after an operation, and whether the operation changed it."""

    claim: Claim
    effective: bool


def check_order(order: ClaimOrder) -> None:
    """Raises ParticipantInvalid or ClaimInvalid for what is wrong without looking at any state."""
    formats.require_participant(order.claimer_account.participant)
    violations = [
        *formats.key_violations(order.key, order.key_type),
        *formats.account_violations(order.claimer_account, "ClaimerAccount"),
        *formats.owner_violations(order.claimer, "Claimer"),
    ]
    if order.type not in KEY_TYPES:
        violations.append(Violation("is no type of claim", order.type, "Type"))
    elif order.key_type not in KEY_TYPES[order.type]:
        violations.append(Violation(f"cannot go with {order.type}", order.key_type, "KeyType"))
    if violations:
        names = ", ".join(violation.property for violation in violations)
        raise DictProblem("ClaimInvalid", names, tuple(violations))


def check_against_entry(order: ClaimOrder, entry: Entry | None, other: Claim | None) -> Entry:
    """The entry that is claimed. `other` is the open claim on the key, if there is one."""
    if other is not None:
        raise DictProblem("ClaimAlreadyExistsForKey")
    if entry is None or entry.key_type != order.key_type:
        raise DictProblem("ClaimKeyNotFound")
    same_owner = entry.owner.tax_id_number == order.claimer.tax_id_number
    if same_owner != (order.type == PORTABILITY):
        raise DictProblem("ClaimTypeInconsistent")
    if same_owner and entry.account.participant == order.claimer_account.participant:
        raise DictProblem("ClaimResultingEntryAlreadyExists")
    return entry


def opened(
    order: ClaimOrder, entry: Entry, claim_id: str, now: datetime, periods: Periods
) -> Claim:
    """A new claim on `entry`."""
    return Claim(
        id=claim_id,
        type=order.type,
        key=order.key,
        key_type=order.key_type,
        claimer_account=order.claimer_account,
        claimer=order.claimer,
        donor_participant=entry.account.participant,
        status=OPEN,
        resolution_period_end=periods.resolution_end(now),
        completion_period_end=periods.completion_end(now) if order.type == OWNERSHIP else None,
        last_modified=now,
        creation_time=now,
        donor_key_ownership_date=entry.key_ownership_date,
    )


def acknowledge(claim: Claim, participant: str, now: datetime) -> Change:
    """OPEN → WAITING_RESOLUTION, by the donor."""
    _require(participant, claim.donor_participant)
    if claim.status == WAITING_RESOLUTION:
        return Change(claim, effective=False)
    _require_status(claim, OPEN)
    return Change(replace(claim, status=WAITING_RESOLUTION, last_modified=now), effective=True)


def confirm(claim: Claim, participant: str, reason: str, now: datetime) -> Change:
    """WAITING_RESOLUTION → CONFIRMED, by the donor; USER_REQUESTED ends OWNERSHIP's wait now."""
    _require(participant, claim.donor_participant)
    if claim.status == CONFIRMED and claim.confirm_reason == reason:
        return Change(claim, effective=False)
    _require_status(claim, WAITING_RESOLUTION)
    when = CONFIRM_REASONS[claim.type].get(reason)
    if when is None:
        raise DictProblem("InvalidReason")
    if when is When.AFTER_RESOLUTION and now < claim.resolution_period_end:
        raise DictProblem("ClaimResolutionPeriodNotEnded")
    ends_now = claim.type == OWNERSHIP and reason == "USER_REQUESTED"
    confirmed = replace(
        claim,
        status=CONFIRMED,
        confirm_reason=reason,
        completion_period_end=now if ends_now else claim.completion_period_end,
        last_modified=now,
    )
    return Change(confirmed, effective=True)


def cancel(claim: Claim, participant: str, reason: str, now: datetime, periods: Periods) -> Change:
    """→ CANCELLED, by either side; where both are one participant DICT records the claimer."""
    role = role_of(claim, participant)
    if claim.status == CANCELLED and (claim.cancel_reason, claim.cancelled_by) == (reason, role):
        return Change(claim, effective=False)
    reasons = CANCEL_REASONS.get((claim.type, claim.status, role))
    if reasons is None:
        raise DictProblem("ClaimOperationInvalid")
    when = reasons.get(reason)
    day_30 = periods.claimer_limit(claim.resolution_period_end)
    if when is None or (when is When.AFTER_DAY_30 and now < day_30):
        raise DictProblem("InvalidReason")
    if when is When.AFTER_RESOLUTION and now < claim.resolution_period_end:
        raise DictProblem("ClaimResolutionPeriodNotEnded")
    cancelled = replace(
        claim, status=CANCELLED, cancel_reason=reason, cancelled_by=role, last_modified=now
    )
    return Change(cancelled, effective=True)


def complete(claim: Claim, participant: str, request_id: str, now: datetime) -> Change:
    """CONFIRMED → COMPLETED, by the claimer; OWNERSHIP only after CompletionPeriodEnd."""
    _require(participant, claim.claimer_participant)
    if claim.status == COMPLETED and claim.request_id == request_id:
        return Change(claim, effective=False)
    _require_status(claim, CONFIRMED)
    if claim.completion_period_end is not None and now < claim.completion_period_end:
        raise DictProblem("ClaimCompletionPeriodNotEnded")
    keeps_owner = claim.type == PORTABILITY
    completed = replace(
        claim,
        status=COMPLETED,
        request_id=request_id,
        entry_creation_date=now,
        key_ownership_date=claim.donor_key_ownership_date if keeps_owner else now,
        last_modified=now,
    )
    return Change(completed, effective=True)


def role_of(claim: Claim, participant: str) -> str:
    """The side of a participant, the claimer's where it is both. Raises Forbidden for others."""
    if participant == claim.claimer_participant:
        return CLAIMER
    if participant == claim.donor_participant:
        return DONOR
    raise DictProblem("Forbidden")


def _require(participant: str, side: str) -> None:
    if participant != side:
        raise DictProblem("Forbidden")


def _require_status(claim: Claim, status: str) -> None:
    if claim.status != status:
        raise DictProblem("ClaimOperationInvalid", f"the claim is {claim.status}")
