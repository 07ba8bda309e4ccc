"""What follows from an answer that is not the wanted one: RETRY, REREAD, REFUSE or HOLD, one table.

A problem type that this release does not know follows its HTTP status.
"""

from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """Bridge operations of a claimer."""

    CREATE = "CreateClaim"
    GET = "GetClaim"
    LIST = "ListClaims"
    COMPLETE = "CompleteClaim"
    CANCEL = "CancelClaim"


class Outcome(StrEnum):
    """What to do."""

    RETRY = "RETRY"
    """Send the same again later: nothing is decided."""
    REREAD = "REREAD"
    """The claim is not where we thought: ask for it and decide anew."""
    REFUSE = "REFUSE"
    """The claim cannot be opened: claim.failed."""
    HOLD = "HOLD"
    """Neither repeating nor giving up is right: keep the error, wait for DICT or an operator."""


RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
"""Beside every 5xx."""

REREAD_TYPES = frozenset({"ClaimOperationInvalid", "NotFound", "ClaimKeyNotFound"})
"""On a claim that is known."""

NOT_YET_TYPES = frozenset({"ClaimResolutionPeriodNotEnded", "ClaimCompletionPeriodNotEnded"})
"""DICT's clock is behind ours, or the date moved: time settles it."""

ALREADY_EXISTS = "ClaimAlreadyExistsForKey"
INVALID_REASON = "InvalidReason"


@dataclass(frozen=True)
class Circumstance:
    """What the table must know beside the answer."""

    after_unknown: bool = False
    """An earlier attempt of this call was never answered: it may have had its effect."""
    by_default: bool = False
    """The default action at a deadline, not somebody's wish."""


def outcome_of(
    operation: Operation,
    problem_type: str,
    http_status: int,
    circumstance: Circumstance = Circumstance(),
) -> Outcome:
    """The cell of the table."""
    if http_status in RETRYABLE_STATUSES or http_status >= 500:
        return Outcome.RETRY
    if operation is Operation.CREATE:
        # An unanswered attempt may have opened it: whatever is refused now, DICT is asked first.
        return Outcome.REREAD if circumstance.after_unknown else Outcome.REFUSE
    if is_not_yet(problem_type, circumstance):
        return Outcome.RETRY
    return Outcome.REREAD if problem_type in REREAD_TYPES else Outcome.HOLD


def is_not_yet(problem_type: str, circumstance: Circumstance) -> bool:
    """DICT holds the step off for now: tried again every 30 s, looking at the claim each time."""
    early = problem_type == INVALID_REASON and circumstance.by_default
    return early or problem_type in NOT_YET_TYPES
