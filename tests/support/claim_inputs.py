"""A claim as its process and its row know it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from claim_orchestrator.application.claim_papers import ClaimPapers
from claim_orchestrator.application.claim_policy import ClaimPolicy
from claim_orchestrator.application.claim_records import ClaimProcessInput
from claim_orchestrator.application.ports import NewClaim
from devstack.cast import CLAIMER
from tests.support.claim_fakes import ClearSealer
from tests.support.core import ACCOUNT, KEY, NAME, TAX_ID

POLICY = ClaimPolicy(frozenset({CLAIMER}), 86_400, 3_600, 3_600, (5.0, 1.0), True)
SUBJECT, COMMAND = UUID(int=5), UUID(int=6)
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def command_of(at: datetime) -> UUID:
    """A UUIDv7 of that instant."""
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)


def process_input(claim_id: UUID, claim_type: str = "PORTABILITY") -> ClaimProcessInput:
    """Vector B."""
    return ClaimProcessInput(
        claim_id=claim_id,
        participant=CLAIMER,
        type=claim_type,
        key_type="PHONE",
        owner_ispb=None,
        entry_id=None,
        subject_id=SUBJECT,
        command_id=COMMAND,
        correlation_id=None,
        day_seconds=POLICY.day_seconds,
        create_retry_seconds=POLICY.create_retry_seconds,
        decision_grace_seconds=POLICY.decision_grace_seconds,
        deadline_margins_seconds=[5 * 86_400, 86_400],
        possession_required=True,
    )


def first_row(claim_id: UUID, claim_type: str = "PORTABILITY") -> NewClaim:
    """Vector B, sealed by nobody."""
    papers = ClaimPapers(
        account_branch="0001",
        account_number=ACCOUNT,
        account_type="CACC",
        account_opening_date=datetime(2020, 1, 1, tzinfo=UTC),
        claimer_type="NATURAL_PERSON",
        claimer_tax_id=TAX_ID,
        claimer_name=NAME,
        claimer_trade_name=None,
    )
    return NewClaim(
        claim_id=claim_id,
        role="CLAIMER",
        workflow_id=f"claim-{claim_id}",
        claim_type=claim_type,
        key_type="PHONE",
        key_hash="0" * 64,
        key_encrypted=KEY.encode(),
        papers_encrypted=papers.sealed(ClearSealer()),
        claimer_ispb=CLAIMER,
        owner_ispb=None,
        entry_id=None,
        subject_id=SUBJECT,
        command_id=COMMAND,
        correlation_id=None,
        started_at=STARTED,
        expires_at=STARTED + timedelta(days=30),
    )
