"""How a claim of a plan may end, from the plan alone and from when Core's word reached the broker.

Ends are (our status, resolution type). More than one is allowed only where two sides race.
"""

from dataclasses import dataclass

from tests.faults.plan import OWNERSHIP, ClaimPlan, Donor

End = tuple[str, str]

APPROVED: End = ("COMPLETED", "APPROVED")
REJECTED: End = ("CANCELLED", "REJECTED")
WITHDRAWN: End = ("CANCELLED", "CANCELLED")
TIMEOUT: End = ("CANCELLED", "TIMEOUT")
REFUSED: End = ("FAILED", "ERROR")


@dataclass(frozen=True)
class Heard:
    """What the runner saw: a REFUSE that the broker had before the deadline, or after it though it
    counts from before; whether the claim outlived the deadline that DICT first gave it."""

    in_time: bool = False
    too_late_to_wait_for: bool = False
    outlived: bool = False


def allowed_ends(claim: ClaimPlan, heard: Heard) -> frozenset[End]:
    """The ends that break no rule."""
    if claim.donor is Donor.HAS_NOT:
        return frozenset({REFUSED})
    if claim.deadline is not None:
        if heard.in_time:
            return frozenset({WITHDRAWN})
        late = {WITHDRAWN} if heard.too_late_to_wait_for else set()
        return frozenset({TIMEOUT, *late})
    own = {WITHDRAWN} if heard.in_time or heard.too_late_to_wait_for else set()
    if heard.outlived and claim.type == OWNERSHIP:
        own.add(TIMEOUT)  # nothing could be told to DICT before its first date had passed
    return frozenset({APPROVED if claim.donor is Donor.CONFIRMS else REJECTED, *own})
