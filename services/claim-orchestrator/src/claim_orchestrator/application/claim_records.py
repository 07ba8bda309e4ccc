"""What the steps of a claim hand to one another through Temporal, sealed, and without personal
data: key, account and person stay in the database and are opened inside the step that needs them.

Fields are added with a default and never renamed: running claims hold older ones.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class ClaimRef:
    """Which claim: all that a workflow needs which is started alone."""

    claim_id: UUID
    alone: bool = False
    """A claim without a row is then a mistake of whoever started it, and no trouble to wait out."""


@dataclass(frozen=True)
class ClaimProcessInput:
    """A claim as its processes know it from the start, and what the installation decided.

    `deadline_margins_seconds`: how long before the deadline it is announced, already in this
    installation's days.
    """

    claim_id: UUID
    participant: str
    type: str
    key_type: str
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    command_id: UUID
    correlation_id: str | None
    day_seconds: int
    create_retry_seconds: int
    decision_grace_seconds: int
    deadline_margins_seconds: list[int]
    possession_required: bool = True
    resumed: bool = False
    """Started anew for a claim whose workflow was lost: the row tells where it is."""
    ended: str | None = None
    """How the workflow before this one ended, where it ended by itself: nothing is opened anew."""


@dataclass(frozen=True)
class Snapshot:
    """A claim as DICT showed it."""

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
class SettledIntent:
    """A cancellation that was settled; `decision_id` where a decision is behind it. `overruled`:
    the reason that an operator's stands before: it stands again once DICT takes his no more."""

    cause: str
    reason: str
    decision_id: UUID | None = None
    overruled: str | None = None


@dataclass(frozen=True)
class ClaimRow:
    """The row of a claim. `version` = number of its events; `shown`: DICT's state, None before."""

    version: int
    status: str
    shown: Snapshot | None
    intent: SettledIntent | None
    complete_request_id: UUID | None = None
    resolution_type: str | None = None


@dataclass(frozen=True)
class LoadedClaim:
    """Facts and row of a claim, for a process that was started alone."""

    process: ClaimProcessInput
    row: ClaimRow


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
    since: datetime | None = None
    """For CreateClaimGRPC and FindClaimGRPC: when createClaim was first sent."""
    go_on: datetime | None = None
    """For FindClaimGRPC: where a list that was read in part goes on."""


@dataclass(frozen=True)
class Look:
    """What a look through DICT's list found. `go_on`: from when on it is not read yet, and a newer
    find counts more."""

    claim: Snapshot | None = None
    go_on: datetime | None = None


@dataclass(frozen=True)
class KnownClaim:
    """A Bridge call about a claim that DICT knows."""

    step: BridgeStep
    dict_claim_id: UUID
    last_shown: Snapshot | None = None
    """For polling: answer only when DICT shows something else."""
    complete_request_id: UUID | None = None
    """For completion: the HMAC key of the new entry's CID, durable before the call."""
    cancel_reason: str | None = None
    by_default: bool = False
    """For cancellation: the default action at a deadline, not somebody's wish."""
    reread: BridgeStep | None = None
    """The look at the claim that follows when DICT holds the step off."""
    held_off_until: datetime | None = None
    """Until when a step that DICT holds off is tried again; None: without end."""


@dataclass(frozen=True)
class OperatorOrder:
    """An operator's request that was checked and accepted: RESUME, or CANCEL with its reason."""

    request_id: UUID
    verb: str
    cancel_reason: str | None = None


@dataclass(frozen=True)
class Barrier:
    """For AwaitDecisions: the deadline, and until when a server that is away is waited for."""

    deadline: datetime
    give_up_at: datetime


@dataclass(frozen=True)
class DeadlineNotice:
    """For `claim.deadline-approaching`. `action`: CANCEL or NONE."""

    deadline: datetime
    action: str
    margin_seconds: int


@dataclass(frozen=True)
class DecidedNotice:
    """For `claim.decided`; `decided_by` None for the default action at a deadline."""

    decision: str
    reason: str | None
    decided_at: datetime
    decided_by: str | None
    otp_id: str | None = None


@dataclass(frozen=True)
class PlannedEvent:
    """An event to record, with the id that the workflow chose."""

    id: UUID
    name: str
    decided: DecidedNotice | None = None
    deadline: DeadlineNotice | None = None


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
class DecisionVerdict:
    """What the workflow made of a stored decision; `refused`: the reason code, None = accepted."""

    ce_id: UUID
    refused: str | None
    detail: str = ""


@dataclass(frozen=True)
class Transition:
    """One change of a claim's row, with the events that tell it."""

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
    intent: SettledIntent | None = None
    """The cancellation that stands after this change, None for none."""
    verdicts: list[DecisionVerdict] = field(default_factory=list)
    complete_request_id: UUID | None = None
    """What the process remembers of the row's: a row from a backup may know it no more."""


@dataclass(frozen=True)
class Recorded:
    """The row after a transition. `stale`: another writer was first, and nothing was written.

    `mail`: whether decisions or proofs lay there when it was written; True where nobody looked.
    """

    row: ClaimRow
    stale: bool
    mail: bool = True


@dataclass(frozen=True)
class Notice:
    """What users are told of: no key, no person."""

    process: ClaimProcessInput
    notice_id: UUID
    status: str
    dict_status: str | None
    resolution_type: str | None
    at: datetime
