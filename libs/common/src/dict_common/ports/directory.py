"""The port to Bacen's directory (DICT) through the Bridge, in Bacen's own words.

Every call may block for the Bridge's answer (30 s at most) and raises one of:
- `DirectoryRefused`: DICT answered with a problem document (an effect is ruled out),
- `DirectoryUnreachable`: no answer, so the outcome is unknown.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.kernel.errors import DictError, Unavailable


@dataclass(frozen=True)
class Account:
    """ClaimerAccount. `number` is personal data; `branch` is up to four digits."""

    participant: str
    branch: str | None
    number: str
    type: str
    opening_date: datetime


@dataclass(frozen=True)
class Person:
    """Claimer. All but `type` is personal data."""

    type: str
    tax_id: str
    name: str
    trade_name: str | None


@dataclass(frozen=True)
class ClaimRequest:
    """What createClaim sends."""

    type: str
    key_type: str
    key: str
    account: Account
    claimer: Person


@dataclass(frozen=True)
class DirectoryClaim:
    """A claim as DICT shows it. Enumerated texts stay as Bacen wrote them: new ones may come."""

    id: UUID
    type: str
    key_type: str
    key: str
    status: str
    claimer_participant: str
    donor_participant: str | None
    resolution_period_end: datetime | None
    completion_period_end: datetime | None
    last_modified: datetime
    confirm_reason: str | None = None
    cancel_reason: str | None = None
    cancelled_by: str | None = None
    entry_creation_date: datetime | None = None
    key_ownership_date: datetime | None = None


@dataclass(frozen=True)
class CallContext:
    """Who calls, and the name of the call: a call repeated after a crash keeps its `request_id`.

    `request_id` = `{workflow_id}:{operation}:{n}`, n counted by the workflow.
    """

    request_id: str
    correlation_id: str | None = None
    workflow_id: str | None = None
    workflow_run_id: str | None = None


class Directory(Protocol):
    """DICT, as far as a claimer needs it."""

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """Opens a claim. DICT has no idempotency here: a repeat meets ClaimAlreadyExistsForKey."""

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """Reads a claim; `participant` is donor or claimer of it."""

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """Completes a CONFIRMED claim. `request_id` is the HMAC key of the new entry's CID."""


class DirectoryRefused(DictError):
    """A problem document. `reason_code` is the last segment of its type: `ClaimKeyNotFound`.

    `http_status` as Bacen sent it; `retry_after_seconds` where given. The document's detail and
    violation values hold keys and CPFs: they were dropped here and stay sealed in
    `connect.bridge_requests`.
    """

    def __init__(
        self,
        problem_type: str,
        http_status: int,
        title: str,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(problem_type, title)
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds


class DirectoryUnreachable(Unavailable):
    """No answer from the Bridge: whether the call had its effect is not known."""


@dataclass(frozen=True)
class BridgeCall:
    """A call about to leave, for the ledger. `payload` is JSON, in clear: the ledger seals it."""

    context: CallContext
    operation: str
    payload: str


class RequestLedger(Protocol):
    """`connect.bridge_requests`: a call is written before it leaves, its answer when it came.

    May block for the database; raises Unavailable when it is away, and then nothing may be sent.
    """

    async def opened(self, call: BridgeCall) -> None:
        """Writes or re-opens the row: a repeat under the same request_id counts an attempt."""

    async def answered(self, call: BridgeCall, status_code: int, answer: str) -> None:
        """Stores a good answer (JSON in clear, sealed by the ledger)."""

    async def failed(
        self, call: BridgeCall, error_code: str, status_code: int | None, answer: str | None
    ) -> None:
        """Stores a refusal or the lack of an answer."""
