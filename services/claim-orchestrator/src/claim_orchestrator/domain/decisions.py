"""Decisions of a user or of Core about a claim: when they count, and what is made of each.

The first that settles wins, in one place. A claimer's ACCEPT settles nothing: a CONFIRMED claim is
completed anyway, and a user who withdraws later must still be heard.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from claim_orchestrator.domain.claim import DictStatus
from claim_orchestrator.domain.course import View
from claim_orchestrator.domain.reasons import CancelReason, may_cancel

AHEAD_MAX = timedelta(seconds=2)
"""A decision of the future is one of now: clocks of others are not law."""
BEHIND_MAX = timedelta(minutes=15)
"""A decision claimed to be older than this before its publication was made when published."""


class Decision(StrEnum):
    """What was decided."""

    ACCEPT = "ACCEPT"
    REFUSE = "REFUSE"


def effective_at(decided_at: datetime, published_at: datetime, now: datetime) -> datetime:
    """The instant that a decision counts from. No clock of a sender moves it beyond now."""
    if decided_at > now + AHEAD_MAX:
        return now
    if decided_at < published_at - BEHIND_MAX:
        return min(published_at, now)
    return decided_at


@dataclass(frozen=True)
class Verdict:
    """`refused` is the reason code of the rejection, None for an accepted decision."""

    refused: str | None = None
    detail: str = ""
    cancel_reason: str | None = None
    """For an accepted REFUSE: what DICT will be told."""


def judge(
    decision: str, reason: str | None, effective: datetime, view: View, *, resolving: bool
) -> Verdict:
    """What is made of a decision. `resolving`: a completion is on its way to DICT."""
    if view.status in (DictStatus.COMPLETED, DictStatus.CANCELLED):
        return Verdict("claim-already-resolved", f"DICT shows {view.status}: nothing is left")
    if view.deadline is not None and effective >= view.deadline:
        return Verdict("decision-late", "it counts from an instant at or after the deadline")
    if view.intent is not None:
        return Verdict(
            "already-decided", f"a cancellation was settled before ({view.intent.cause})"
        )
    if decision == Decision.ACCEPT:
        return Verdict()
    if resolving:
        return Verdict("already-decided", "the completion is on its way to DICT")
    return _refusal(reason or CancelReason.USER_REQUESTED, view)


def _refusal(reason: str, view: View) -> Verdict:
    if reason == CancelReason.DEFAULT_OPERATION:
        return Verdict("reason-not-allowed", "DEFAULT_OPERATION is the deadline's, no decision's")
    if not may_cancel(view.type, view.status, reason):
        return Verdict(
            "reason-not-allowed",
            f"a claimer may not cancel a claim of type {view.type} in {view.status} "
            f"for {_known(reason)} (bacen-dict 1.4)",
        )
    return Verdict(cancel_reason=reason)


def _known(reason: str) -> str:
    """Free text of a sender is not repeated: rejections are kept for ever."""
    return reason if reason in set(CancelReason) else "a reason that Bacen does not know"
