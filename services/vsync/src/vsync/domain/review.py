"""A review of a key that Bacen does not have, and what a person's decision makes of it.

```
PENDING ⇄ INVESTIGATING
either ─ CONFIRM_DELETION → AWAITING_SECOND ─ CONFIRM_DELETION, another person → RESOLVED
any of these ─ KEEP → KEEPING ─ DICT has taken it → RESOLVED
                              └ DICT refuses → PENDING, with DICT's reason
```
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from dict_common.kernel.errors import InputRefused


class Decision(StrEnum):
    """Seed 003's three."""

    CONFIRM_DELETION = "CONFIRM_DELETION"
    """Bacen has deleted it rightly: ours is deleted too, once two persons say so."""
    KEEP = "KEEP"
    """It is ours: it is registered again."""
    INVESTIGATE = "INVESTIGATE"
    """Somebody looks into it."""


class ReviewStatus(StrEnum):
    """Of vsync.manual_review_queue."""

    PENDING = "PENDING"
    INVESTIGATING = "INVESTIGATING"
    AWAITING_SECOND = "AWAITING_SECOND"
    KEEPING = "KEEPING"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True)
class Review:
    """As it stands. `reviewed_by`: who decided last, an opaque id; `keeps` counts registrations."""

    review_id: UUID
    entry_id: UUID
    status: ReviewStatus
    reviewed_by: str | None = None
    keeps: int = 0


@dataclass(frozen=True)
class ReviewStep:
    """The review after a decision. `decided_by`: those whose word is carried out now, empty where
    nothing is."""

    review: Review
    decided_by: tuple[str, ...] = ()


def decided(review: Review, decision: Decision, person: str) -> ReviewStep:
    """What becomes of it. Raises InputRefused."""
    if review.status is ReviewStatus.RESOLVED:
        raise InputRefused("review-resolved", "the review is resolved: nothing is left to decide")
    if review.status is ReviewStatus.KEEPING:
        raise InputRefused(
            "review-keeping", "the entry is being registered again: wait for DICT's answer"
        )
    after = replace(review, reviewed_by=person)
    if decision is Decision.INVESTIGATE:
        return ReviewStep(replace(after, status=ReviewStatus.INVESTIGATING))
    if decision is Decision.KEEP:
        kept = replace(after, status=ReviewStatus.KEEPING, keeps=review.keeps + 1)
        return ReviewStep(kept, (person,))
    if review.status is not ReviewStatus.AWAITING_SECOND or review.reviewed_by is None:
        return ReviewStep(replace(after, status=ReviewStatus.AWAITING_SECOND))
    if review.reviewed_by == person:
        raise InputRefused(
            "second-person-needed",
            "a deletion is confirmed by two persons: this one has confirmed it already",
        )
    resolved = replace(after, status=ReviewStatus.RESOLVED)
    return ReviewStep(resolved, (review.reviewed_by, person))


def resolved(review: Review) -> Review:
    """What was decided is done."""
    return replace(review, status=ReviewStatus.RESOLVED)


def reopened(review: Review) -> Review:
    """DICT has refused to register the entry again: somebody decides anew."""
    return replace(review, status=ReviewStatus.PENDING, reviewed_by=None)
