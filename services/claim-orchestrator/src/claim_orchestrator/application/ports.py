"""What the use cases ask for. Every method may block for its server and raises Unavailable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from claim_orchestrator.application.claim_mail import Mail
from claim_orchestrator.application.claim_records import (
    ClaimProcessInput,
    ClaimRow,
    DecisionVerdict,
    OperatorOrder,
    Recorded,
    SettledIntent,
    Snapshot,
)
from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import OutgoingEvent


@dataclass(frozen=True)
class NewClaim:
    """The first row of a claim; key and papers sealed, `key_hash` as the rest sealer made it."""

    claim_id: UUID
    role: str
    workflow_id: str
    claim_type: str
    key_type: str
    key_hash: str
    key_encrypted: bytes
    papers_encrypted: bytes
    claimer_ispb: str
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    command_id: UUID
    correlation_id: str | None
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class NewDecision:
    """A decision before anybody judged it. `fingerprint` and the rest serve its rejection."""

    ce_id: UUID
    claim_id: UUID
    role: str
    decision: str
    reason: str | None
    otp_id: UUID | None
    decided_at: datetime
    published_at: datetime
    effective_at: datetime
    decided_by: str
    stored_at: datetime
    fingerprint: bytes = b""
    correlation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True)
class KeptClaim:
    """Everything of a claim's row that its processes work with, sealed as it stands."""

    claim_id: UUID
    participant: str
    type: str
    key_type: str
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    command_id: UUID
    correlation_id: str | None
    key_encrypted: bytes | None
    papers_encrypted: bytes | None
    row: ClaimRow


@dataclass(frozen=True)
class RowChange:
    """New values of a claim's row; None leaves a column as it is, except the intent's."""

    claim_id: UUID
    role: str
    workflow_id: str
    workflow_run_id: UUID
    expected_version: int
    event_ids: tuple[UUID, ...]
    status: str
    resolution_type: str | None
    resolution_reason: str | None
    completed_at: datetime | None
    expires_at: datetime | None
    monitor_workflow_id: str | None
    expire_workflow_id: str | None
    last_error: str | None
    snapshot: Snapshot | None
    claimer_deadline: datetime | None
    intent: SettledIntent | None
    verdicts: tuple[DecisionVerdict, ...] = ()
    settled_at: datetime | None = None


class ClaimIntake(CommandInbox, Protocol):
    """The consumer's side of the store: inbox row and state in one transaction."""

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Stores inbox row, claim and subject link together; False if the command is there already.

        Raises InputRefused `claim-already-known` for another command about the same claim, and
        `command-id-reused` if another content came under the id meanwhile.
        """

    async def accept_decision(self, command: InboxKey, decision: NewDecision) -> bool:
        """Stores inbox row and decision together; False if the command is there already.

        Raises InputRefused `claim-already-resolved` when the claim is over, and
        `command-id-reused`. A claim that is not known yet is no error: it may still come.
        """

    async def accept_proof(self, otp_id: UUID, claim_id: UUID, at: datetime, ce_id: UUID) -> None:
        """Keeps a proof of possession; a repeat changes nothing."""

    async def accept_operator(self, command: InboxKey, events: Sequence[OutgoingEvent]) -> bool:
        """Stores inbox row and the events that tell of the act; False if it is there already."""

    async def orphans(self, stored_before: datetime, limit: int) -> list[NewDecision]:
        """Decisions stored before that instant whose claim never came."""

    async def refuse_orphan(
        self, decision: NewDecision, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> bool:
        """Settles such a decision with its rejection; False if its claim has come meanwhile."""


class ClaimStore(Protocol):
    """The worker's side: the only writer of a claim after its first row."""

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """Changes the row and writes the events in one statement, if the version is as expected
        and DICT's state is not older than the row's.

        A change that was recorded before (its event ids stand in the row) is answered as done.
        Raises DictClaimTaken when DICT's claim belongs to another row of ours.
        """

    async def load(self, claim_id: UUID) -> KeptClaim:
        """The claim by our id. Raises ClaimUnknown."""

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """Stores completeClaim's RequestId unless there is one; answers the one that stands."""

    async def unclaimed(self, dict_claim_ids: Sequence[UUID], claim_id: UUID) -> set[UUID]:
        """Which of DICT's claims stand in no other row of ours as the claimer than this claim's."""

    async def store_decision(self, decision: NewDecision) -> str | None:
        """Keeps a decision once; answers its outcome, None while it is not judged."""

    async def mail(self, claim_id: UUID) -> Mail:
        """Decisions that nobody judged, oldest first, and the newest proof."""

    async def verdicts_to_tell(self, ce_ids: Sequence[UUID]) -> list[NewDecision]:
        """The stored decisions of these ids."""


class ClaimProcess(Protocol):
    """Temporal, as the consumer needs it."""

    async def start(self, process: ClaimProcessInput) -> None:
        """Starts the claim's workflow, or finds it started before: both are success."""

    async def wake(self, claim_id: UUID) -> None:
        """Tells the claim's workflow to look into its mail; one that does not run needs no word."""

    async def order(self, claim_id: UUID, order: OperatorOrder) -> bool:
        """Hands an operator's order over; False when no workflow of the claim runs."""

    async def restart(self, process: ClaimProcessInput) -> None:
        """Starts the workflow of a claim anew that was lost; finding it running is success.

        Told with `ended` how the last one ended by itself, where Temporal still knows.
        """


class DecisionBacklog(Protocol):
    """How far the consumer is behind the broker with `claim.decide` and `otp.validated`."""

    async def oldest_unacknowledged(self) -> datetime | None:
        """Publish time of the oldest decision or proof that is not stored yet, None when all are.

        Raises Unavailable when broker, consumer or database do not answer.
        """


class Notifier(Protocol):
    """Tells users, best effort."""

    async def notify(self, notice_id: UUID, body: dict[str, object]) -> bool:
        """True when somebody took it; False when nobody is set up to. Raises Unavailable."""
