"""What the use cases ask for. Every method may block for its server and raises Unavailable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from claim_orchestrator.application.claim_process import ClaimProcessInput, Recorded
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent


@dataclass(frozen=True)
class NewClaim:
    """The first row of a claim; `key_encrypted` and `key_hash` as the rest sealer made them."""

    claim_id: UUID
    role: str
    workflow_id: str
    claim_type: str
    key_type: str
    key_hash: str
    key_encrypted: bytes
    claimer_ispb: str
    owner_ispb: str | None
    entry_id: UUID | None
    subject_id: UUID
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class RowChange:
    """New values of a claim's row; None leaves a column as it is."""

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
    last_error: str | None
    dict_claim_id: UUID | None
    dict_status: str | None
    owner_ispb: str | None
    resolution_period_end: datetime | None
    completion_period_end: datetime | None
    claimer_deadline: datetime | None
    confirm_reason: str | None
    cancel_reason: str | None
    cancelled_by: str | None
    dict_last_modified: datetime | None


def command_id_reused() -> InputRefused:
    """The refusal of an id that came before with another content."""
    return InputRefused(
        "command-id-reused",
        "this ce_id came before with another content: give each command its own id",
    )


class ClaimIntake(Protocol):
    """The consumer's side of the store: inbox row and state in one transaction."""

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows of the command."""

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Stores inbox row, claim and subject link together; False if the command is there already.

        Raises InputRefused `claim-already-known` for another command about the same claim, and
        `command-id-reused` if another content came under the id meanwhile.
        """

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """Marks the hand-over as done."""

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Stores the rejection with its events, once for each content of the command."""


class ClaimStore(Protocol):
    """The worker's side: the only writer of a claim after its first row."""

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """Changes the row and writes the events in one statement, if the version is as expected.

        A change that was recorded before (its event ids stand in the row) is answered as done.
        """

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """Stores completeClaim's RequestId unless there is one; answers the one that stands."""


class ClaimProcess(Protocol):
    """Temporal, as the consumer needs it."""

    async def start(self, process: ClaimProcessInput) -> None:
        """Starts the claim's workflow, or finds it started before: both are success."""
