"""The process behind a claim: its names, its input, and what its steps hand to one another.

Adapters start it by these names; workflows and activities share the records. All of it travels
through Temporal sealed. Nothing here may be renamed while claims are running.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

CREATE_CLAIM_WORKFLOW = "CreateClaimWorkflow"
MONITOR_STATUS_WORKFLOW = "MonitorStatusWorkflow"

CREATE_CLAIM_GRPC = "CreateClaimGRPC"
GET_CLAIM_GRPC = "GetClaimGRPC"
COMPLETE_CLAIM_GRPC = "CompleteClaimGRPC"
POLL_CLAIM_STATUS = "PollClaimStatus"
PREPARE_COMPLETION = "PrepareCompletion"
RECORD_TRANSITION = "RecordTransition"
TRANSFER_ENTRY = "TransferEntry"

CLAIM_STATUS_SIGNAL = "claim-status"

# What claims are found by in Temporal: never personal.
SEARCH_CLAIM_ID = "ClaimId"
SEARCH_CLAIM_STATUS = "ClaimStatus"
SEARCH_CLAIMER_ISPB = "ClaimerIspb"
SEARCH_OWNER_ISPB = "OwnerIspb"
SEARCH_EXPIRES_AT = "ClaimExpiresAt"


def workflow_id(claim_id: UUID) -> str:
    """The claimer's workflow."""
    return f"claim-{claim_id}"


def monitor_id(claim_id: UUID) -> str:
    """Its child that carries DICT's status."""
    return f"{workflow_id(claim_id)}-monitor"


@dataclass(frozen=True)
class ClaimProcessInput:
    """A claim as its workflow knows it from the start; personal data in clear in memory only."""

    claim_id: UUID
    participant: str
    type: str
    key_type: str
    key: str
    account_branch: str | None
    account_number: str
    account_type: str
    account_opening_date: datetime
    claimer_type: str
    claimer_tax_id: str
    claimer_name: str
    claimer_trade_name: str | None
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    command_id: UUID
    correlation_id: str | None
    day_seconds: int
    create_retry_seconds: int

    def __repr__(self) -> str:
        return f"ClaimProcessInput({self.claim_id})"


@dataclass(frozen=True)
class Snapshot:
    """A claim as DICT showed it last."""

    dict_claim_id: UUID
    status: str
    donor_ispb: str | None
    resolution_period_end: datetime | None
    completion_period_end: datetime | None
    last_modified: datetime
    confirm_reason: str | None = None
    cancel_reason: str | None = None
    cancelled_by: str | None = None
    entry_creation_date: datetime | None = None
    key_ownership_date: datetime | None = None


@dataclass(frozen=True)
class ProcessRef:
    """The Temporal execution that acts."""

    type: str
    id: str
    run_id: str


@dataclass(frozen=True)
class BridgeStep:
    """A call to the Bridge: `request_id` is counted by the workflow, never by the attempt."""

    process: ClaimProcessInput
    by: ProcessRef
    request_id: str


@dataclass(frozen=True)
class KnownClaim:
    """A Bridge call about a claim that DICT knows."""

    step: BridgeStep
    dict_claim_id: UUID
    last_status: str | None = None
    """For polling: answer only when DICT shows another."""
    complete_request_id: UUID | None = None
    """For completion: the HMAC key of the new entry's CID, durable before the call."""


@dataclass(frozen=True)
class PlannedEvent:
    """An event to record, with the id that the workflow chose."""

    id: UUID
    name: str


@dataclass(frozen=True)
class PlannedStep:
    """A `workflow.step` to record beside it."""

    id: UUID
    kind: str
    name: str
    outcome: str
    request_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Transition:
    """One change of a claim's row with its events: all of it or nothing.

    `expected_version` makes it safe to repeat: a second time it changes nothing.
    """

    process: ClaimProcessInput
    by: ProcessRef
    expected_version: int
    at: datetime
    status: str
    resolution_type: str | None
    resolution_reason: str | None
    snapshot: Snapshot | None
    events: list[PlannedEvent]
    steps: list[PlannedStep] = field(default_factory=list)
    error_type: str | None = None
    error_detail: str | None = None
    complete_request_id: UUID | None = None


@dataclass(frozen=True)
class Recorded:
    """The row after a transition. `stale`: another writer was first, and nothing was written."""

    version: int
    status: str
    dict_status: str | None
    stale: bool
