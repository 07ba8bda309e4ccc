"""What an installation decides about claims, and how a claim's process learns of it."""

from dataclasses import dataclass
from uuid import UUID

from claim_orchestrator.application.claim_records import ClaimProcessInput
from claim_orchestrator.application.ports import KeptClaim
from claim_orchestrator.domain.deadlines import Calendar


@dataclass(frozen=True)
class ClaimFacts:
    """What never changes about a claim."""

    claim_id: UUID
    participant: str
    type: str
    key_type: str
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    command_id: UUID
    correlation_id: str | None


@dataclass(frozen=True)
class ClaimPolicy:
    """`participants`: the ISPBs that it speaks for. `deadline_margins_days`: how long before a
    deadline it is announced, in claim days."""

    participants: frozenset[str]
    day_seconds: int
    create_retry_seconds: int
    decision_grace_seconds: int
    deadline_margins_days: tuple[float, ...]
    possession_required: bool

    def process_input(self, facts: ClaimFacts, *, resumed: bool = False) -> ClaimProcessInput:
        """What a claim's process is started with. `resumed`: anew, after it was lost."""
        calendar = Calendar(self.day_seconds)
        return ClaimProcessInput(
            claim_id=facts.claim_id,
            participant=facts.participant,
            type=facts.type,
            key_type=facts.key_type,
            owner_ispb=facts.owner_ispb,
            entry_id=facts.entry_id,
            subject_id=facts.subject_id,
            command_id=facts.command_id,
            correlation_id=facts.correlation_id,
            day_seconds=self.day_seconds,
            create_retry_seconds=self.create_retry_seconds,
            decision_grace_seconds=self.decision_grace_seconds,
            deadline_margins_seconds=[
                round(calendar.days(days).total_seconds()) for days in self.deadline_margins_days
            ],
            possession_required=self.possession_required,
            resumed=resumed,
        )


def facts_of(kept: KeptClaim) -> ClaimFacts:
    """The facts as the row has them."""
    return ClaimFacts(
        claim_id=kept.claim_id,
        participant=kept.participant,
        type=kept.type,
        key_type=kept.key_type,
        owner_ispb=kept.owner_ispb,
        entry_id=kept.entry_id,
        subject_id=kept.subject_id,
        command_id=kept.command_id,
        correlation_id=kept.correlation_id,
    )
