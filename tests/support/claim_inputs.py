"""A claim as its process knows it."""

from datetime import UTC, datetime
from uuid import UUID

from claim_orchestrator.application.claim_process import ClaimProcessInput
from devstack.cast import CLAIMER
from tests.support.core import ACCOUNT, KEY, NAME, TAX_ID


def process_input(claim_id: UUID) -> ClaimProcessInput:
    """Vector B as a portability."""
    return ClaimProcessInput(
        claim_id=claim_id,
        participant=CLAIMER,
        type="PORTABILITY",
        key_type="PHONE",
        key=KEY,
        account_branch="0001",
        account_number=ACCOUNT,
        account_type="CACC",
        account_opening_date=datetime(2020, 1, 1, tzinfo=UTC),
        claimer_type="NATURAL_PERSON",
        claimer_tax_id=TAX_ID,
        claimer_name=NAME,
        claimer_trade_name=None,
        owner_ispb=None,
        entry_id=None,
        subject_id=UUID(int=5),
        command_id=UUID(int=6),
        correlation_id=None,
        day_seconds=86_400,
        create_retry_seconds=3_600,
    )
