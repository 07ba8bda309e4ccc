"""A claim that DICT suddenly shows otherwise: no rule is asked, entries and CIDs stay."""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge_simulator.records import COMPLETED, CONFIRMED, Claim


@dataclass(frozen=True)
class Jump:
    """What changes; an empty status and None stay as they were. `last_modified` None = now."""

    claim_id: str
    status: str = ""
    reason: str | None = None
    cancelled_by: str | None = None
    last_modified: datetime | None = None
    resolution_period_end: datetime | None = None
    completion_period_end: datetime | None = None

    def landed(self, claim: Claim, now: datetime) -> Claim:
        """The claim after it; an empty text takes a reason or a side away."""
        status = self.status or claim.status
        confirm_reason, cancel_reason = claim.confirm_reason, claim.cancel_reason
        if self.reason is not None:
            if status in (CONFIRMED, COMPLETED):
                confirm_reason = self.reason or None
            else:
                cancel_reason = self.reason or None
        cancelled_by = claim.cancelled_by
        if self.cancelled_by is not None:
            cancelled_by = self.cancelled_by or None
        return replace(
            claim,
            status=status,
            confirm_reason=confirm_reason,
            cancel_reason=cancel_reason,
            cancelled_by=cancelled_by,
            last_modified=self.last_modified or now,
            resolution_period_end=self.resolution_period_end or claim.resolution_period_end,
            completion_period_end=self.completion_period_end or claim.completion_period_end,
        )
