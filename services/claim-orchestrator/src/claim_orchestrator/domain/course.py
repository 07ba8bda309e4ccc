"""What the claimer's participant does next: one pure function over what is known.

Everything that moves a claim asks it: the claim's workflow and the dead-man switch. The instants
are DICT's; `now` is an argument.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from claim_orchestrator.domain.claim import ClaimType, DictStatus
from claim_orchestrator.domain.reasons import DEFAULT_CANCEL, may_cancel


class Cause(StrEnum):
    """Why we cancel."""

    DECISION = "DECISION"
    DEADLINE = "DEADLINE"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True)
class Intent:
    """A cancellation that was settled on and is not yet at DICT: the first one stands."""

    cause: Cause
    reason: str


@dataclass(frozen=True)
class View:
    """A claim as we see it. `proven_at`: the newest validated one-time password for it, one
    from before the deadline first."""

    type: ClaimType
    status: DictStatus
    deadline: datetime | None
    completion_period_end: datetime | None
    intent: Intent | None = None
    proven_at: datetime | None = None
    possession_required: bool = True


class Kind(StrEnum):
    """What to do."""

    END = "end"
    WAIT = "wait"
    """For news, a decision, a proof, or until the move's instant."""
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    """The deadline has passed undecided: look once more, then settle on the default."""
    DROP_INTENT = "drop-intent"
    """DICT has moved on, and the settled cancellation is not allowed any more."""


@dataclass(frozen=True)
class Move:
    """A step, until when (WAIT) or for which reason (CANCEL, EXPIRE)."""

    kind: Kind
    until: datetime | None = None
    reason: str = ""


def next_move(view: View, now: datetime) -> Move:
    """The one next step."""
    if view.status in (DictStatus.COMPLETED, DictStatus.CANCELLED):
        return Move(Kind.END)
    if view.intent is not None:
        if may_cancel(view.type, view.status, view.intent.reason):
            return Move(Kind.CANCEL, reason=view.intent.reason)
        return Move(Kind.DROP_INTENT)
    confirmed = view.status is DictStatus.CONFIRMED
    if confirmed and view.type is ClaimType.PORTABILITY:
        # Never cancelled: the donor's entry is gone, and giving up would leave the user without.
        return Move(Kind.COMPLETE)
    if confirmed and _proven_in_time(view, now):
        return Move(Kind.COMPLETE)
    if view.deadline is not None and now >= view.deadline:
        return Move(Kind.EXPIRE, reason=DEFAULT_CANCEL[view.type])
    if confirmed:
        return Move(Kind.WAIT, until=_opens_later(view, now) or view.deadline)
    return Move(Kind.WAIT, until=view.deadline)


def _proven_in_time(view: View, now: datetime) -> bool:
    """After CompletionPeriodEnd, with a proof of possession made after it (bacen-dict 1.3).

    The default is for a user who did not validate: whoever did before the deadline is not cancelled
    because we, or DICT, were away over it.
    """
    if _opens_later(view, now) is not None:
        return False
    if not view.possession_required:
        return True
    proven, deadline = view.proven_at, view.deadline
    if proven is not None and deadline is not None and proven >= deadline:
        return False
    return is_proof(proven, view.completion_period_end)


def _opens_later(view: View, now: datetime) -> datetime | None:
    opens = view.completion_period_end
    return opens if opens is not None and now < opens else None


def is_proof(proven_at: datetime | None, completion_period_end: datetime | None) -> bool:
    """A password validated before the period's end proves nothing about the time after it."""
    if proven_at is None:
        return False
    return completion_period_end is None or proven_at >= completion_period_end
