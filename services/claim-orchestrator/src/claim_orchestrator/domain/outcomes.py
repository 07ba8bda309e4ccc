"""What follows from an answer that is not the wanted one: RETRY, REREAD, REFUSE or HOLD, one table.

A problem type that this release does not know follows its HTTP status.
"""

from enum import StrEnum


class Operation(StrEnum):
    """Bridge operations of a claimer."""

    CREATE = "CreateClaim"
    GET = "GetClaim"
    COMPLETE = "CompleteClaim"


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


def outcome_of(operation: Operation, problem_type: str, http_status: int) -> Outcome:
    """The cell of the table."""
    if http_status in RETRYABLE_STATUSES or http_status >= 500:
        return Outcome.RETRY
    if operation is Operation.CREATE:
        return Outcome.REFUSE
    if problem_type in REREAD_TYPES:
        return Outcome.REREAD
    return Outcome.HOLD
