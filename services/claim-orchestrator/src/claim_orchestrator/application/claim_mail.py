"""Decisions and proofs as the steps of a claim hand them to one another through Temporal, sealed.

Fields are added with a default and never renamed: running claims hold older ones.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class StoredDecision:
    """A decision that was stored and not judged yet."""

    ce_id: UUID
    decision: str
    reason: str | None
    decided_at: datetime
    effective_at: datetime
    decided_by: str
    otp_id: str | None = None


@dataclass(frozen=True)
class GivenDecision:
    """A decision that came through a door other than the topic.

    Update `claim_decision` takes it as its argument; its update id becomes the decision's id.
    """

    decision: str
    decided_by: str
    reason: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True)
class DecisionToStore:
    """A decision with the id that the workflow chose."""

    claim_id: UUID
    ce_id: UUID
    given: GivenDecision
    arrived_at: datetime


@dataclass(frozen=True)
class DecisionAnswer:
    """What was made of a decision: `accepted`, or `refused:<reason code>`; None: not judged yet."""

    ce_id: UUID
    outcome: str | None


MAIL_MAX = 100
"""Decisions in one look: a look must fit into Temporal's payload, however many were sent."""


@dataclass(frozen=True)
class Mail:
    """What waits for the claim in the database; of decisions the oldest MAIL_MAX."""

    decisions: list[StoredDecision]
    proven_at: datetime | None
