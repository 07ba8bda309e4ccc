"""The events of a claim, field for field as `schemas/avro` has them (a contract test compares).

Personal values are in clear here and sealed on the way out. Times are aware datetimes.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar

SOURCE = "/dict-connect/claim-orchestrator"
"""`ce_source` of whatever this service tells."""


@dataclass(frozen=True, kw_only=True)
class ClaimEvent:
    """What every event of a claim says."""

    NAME: ClassVar[str]

    claim_id: str
    dict_claim_id: str | None
    role: str
    type: str
    key_type: str
    claimer_ispb: str
    donor_ispb: str | None
    dict_status: str | None
    resolution_period_end: datetime | None
    completion_period_end: datetime | None
    claimer_deadline: datetime | None
    subject_id: str | None

    def record(self) -> dict[str, object]:
        """Field name to value, shallow."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class ClaimCreated(ClaimEvent):
    """DICT has opened the claim."""

    NAME = "claim.created"
    key: str


@dataclass(frozen=True, kw_only=True)
class ClaimAcknowledged(ClaimEvent):
    """The donor has taken note: WAITING_RESOLUTION."""

    NAME = "claim.acknowledged"


@dataclass(frozen=True, kw_only=True)
class ClaimDecided(ClaimEvent):
    """A decision was accepted and is not yet carried out at DICT."""

    NAME = "claim.decided"
    decision: str
    reason: str | None
    decided_at: datetime
    decided_by: str | None
    otp_id: str | None


@dataclass(frozen=True, kw_only=True)
class ClaimDeadlineApproaching(ClaimEvent):
    """A deadline is near. `action`: what will be done at it by default, CANCEL or NONE."""

    NAME = "claim.deadline-approaching"
    deadline: datetime
    action: str
    margin_seconds: int


@dataclass(frozen=True, kw_only=True)
class ClaimConfirmed(ClaimEvent):
    """The donor has confirmed."""

    NAME = "claim.confirmed"
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class ClaimCompleted(ClaimEvent):
    """The key is the claimer's."""

    NAME = "claim.completed"
    outcome: str
    entry_creation_date: datetime | None
    key_ownership_date: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClaimCancelled(ClaimEvent):
    """The claim has ended without a transfer."""

    NAME = "claim.cancelled"
    outcome: str
    reason: str | None
    cancelled_by: str | None


@dataclass(frozen=True, kw_only=True)
class ClaimFailed(ClaimEvent):
    """DICT refused to open the claim. `error_detail` holds no personal data."""

    NAME = "claim.failed"
    error_type: str
    error_detail: str | None


@dataclass(frozen=True, kw_only=True)
class EntryTransferred(ClaimEvent):
    """The nine inputs of the new entry's CID and its RequestId: VSYNC needs them for ever."""

    NAME = "entry.transferred"
    entry_id: str | None
    participant: str
    key: str
    account_type: str
    owner_tax_id: str
    owner_name: str
    owner_trade_name: str | None
    branch: str | None
    account_number: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class WorkflowStep:
    """What no business event says: a step of the workflow behind the claim."""

    NAME: ClassVar[str] = "workflow.step"
    kind: str
    name: str
    outcome: str
    request_id: str | None = None
    detail: str | None = None

    def record(self) -> dict[str, object]:
        """Field name to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
