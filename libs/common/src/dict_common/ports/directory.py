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
    claimer_branch: str | None
    claimer_account_number: str
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
class ClaimQuery:
    """What listClaims asks for: claims of the participant as the claimer, by LastModified.

    `modified_after` is inclusive, and DICT has no cursor: the next page starts at the last
    LastModified, so that rows on the border come twice.
    """

    participant: str
    modified_after: datetime | None = None
    limit: int = 200


@dataclass(frozen=True)
class ClaimPage:
    """Claims in ascending LastModified; `has_more`: DICT holds more after the last one."""

    claims: tuple[DirectoryClaim, ...]
    has_more: bool


@dataclass(frozen=True)
class CallContext:
    """Who calls, and the name of the call: a call repeated after a crash keeps its `request_id`.

    `request_id` = `{workflow_id}:{operation}:{n}`, n counted by the workflow. `looked`: the caller
    has looked for what an unanswered attempt may have done, and found nothing.
    """

    request_id: str
    correlation_id: str | None = None
    workflow_id: str | None = None
    workflow_run_id: str | None = None
    looked: bool = False


class Directory(Protocol):
    """DICT, as far as a claimer needs it."""

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """Opens a claim. DICT has no idempotency here: a repeat meets ClaimAlreadyExistsForKey,
        or opens a second claim where the first one has ended. Raises CallUnanswered."""

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """Reads a claim; `participant` is donor or claimer of it."""

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """Completes a CONFIRMED claim. `request_id` is the HMAC key of the new entry's CID."""

    async def cancel_claim(
        self, claim_id: UUID, participant: str, reason: str, context: CallContext
    ) -> DirectoryClaim:
        """Cancels a claim; the same reason again answers the same."""

    async def list_claims(self, query: ClaimQuery, context: CallContext) -> ClaimPage:
        """One page of claims. The list may lag behind by some seconds (bacen-dict 1.6)."""


class DirectoryRefused(DictError):
    """A problem document. `reason_code` is the last segment of its type: `ClaimKeyNotFound`.

    `http_status` as Bacen sent it; `retry_after_seconds` where given. `after_unknown`: an earlier
    attempt of the same call was never answered, and may have had its effect. The document's detail
    and violation values hold keys and CPFs: they were dropped here and stay sealed in
    `connect.bridge_requests`.
    """

    def __init__(
        self,
        problem_type: str,
        http_status: int,
        title: str,
        retry_after_seconds: float | None = None,
        *,
        after_unknown: bool = False,
    ) -> None:
        super().__init__(problem_type, title)
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.after_unknown = after_unknown


class DirectoryUnreachable(Unavailable):
    """No answer from the Bridge: whether the call had its effect is not known."""


class CallUnanswered(DictError):
    """An earlier attempt was never answered and nothing was sent: look for its effect first, then
    call again with `looked`."""

    def __init__(self, request_id: str) -> None:
        super().__init__("call-unanswered", f"{request_id} may have had its effect")


EFFECTS = frozenset(
    {"CreateClaim", "CompleteClaim", "CancelClaim", "RequestCidFile", "CreateEntry"}
)
"""Calls that change DICT: one that was answered is never sent again under its request_id."""
LOOK_FIRST = frozenset({"CreateClaim"})
"""Effects that no repeat may follow blindly: an attempt that nobody answered is looked for first.

A second completion or cancellation answers as the first one. A second order of a file of CIDs costs
one token of the day at most, and there is no call to look for the first one with.
"""


@dataclass(frozen=True)
class BridgeCall:
    """A call about to leave, for the ledger. `payload` is JSON, in clear: the ledger seals it."""

    context: CallContext
    operation: str
    payload: str


@dataclass(frozen=True)
class Opened:
    """What is known of a call before it leaves (again).

    `answer`: the good answer that it got before, JSON in clear. `after_unknown`: an attempt was
    made whose outcome nobody knows.
    """

    answer: str | None = None
    after_unknown: bool = False


class RequestLedger(Protocol):
    """`connect.bridge_requests`: a call is written before it leaves, its answer when it came.

    May block for the database; raises Unavailable when it is away, and then nothing may be sent.
    """

    async def opened(self, call: BridgeCall) -> Opened:
        """Writes or re-opens the row: a repeat under the same request_id counts an attempt.

        Raises RequestReused when another content came under the id before.
        """

    async def answered(self, call: BridgeCall, status_code: int, answer: str) -> None:
        """Stores a good answer (JSON in clear, sealed by the ledger)."""

    async def failed(
        self, call: BridgeCall, error_code: str, status_code: int | None, answer: str | None
    ) -> None:
        """Stores a refusal or the lack of an answer."""

    async def purge(self, rows_max: int) -> int:
        """Removes rows that have outlived the policy, at most so many; answers how many."""


class RequestReused(DictError):
    """A call came under the request_id of another one: sending it could do the wrong thing."""

    def __init__(self, request_id: str) -> None:
        super().__init__("request-id-reused", f"{request_id} was sent with another content before")
