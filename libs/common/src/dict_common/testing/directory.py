"""DICT as far as the Directory port goes: claims with their statuses, and refusals on demand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from dict_common.kernel.clock import Clock
from dict_common.kernel.ids import IdSource
from dict_common.ports.directory import (
    CallContext,
    ClaimPage,
    ClaimQuery,
    ClaimRequest,
    DirectoryClaim,
    DirectoryRefused,
)

DONOR = "87654321"
RESOLUTION_DAYS = 7

Script = Callable[[str, CallContext], None]
"""Called with the operation's name before it acts; may raise what a Bridge would."""


class InMemoryDirectory:
    """Directory with claims in memory. `calls` tells what was asked, in order."""

    def __init__(self, clock: Clock, new_id: IdSource) -> None:
        self._clock = clock
        self._new_id = new_id
        self.claims: dict[UUID, DirectoryClaim] = {}
        self.request_ids: dict[UUID, UUID] = {}
        self.calls: list[tuple[str, str]] = []
        self.script: Script = lambda _operation, _context: None
        self.allows: Callable[[DirectoryClaim, str], bool] = lambda _claim, _reason: True

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """OPEN, or ClaimAlreadyExistsForKey."""
        self._enter("CreateClaim", context)
        if any(it.key == request.key and not _ended(it) for it in self.claims.values()):
            raise DirectoryRefused("ClaimAlreadyExistsForKey", 400, "A claim exists for the key")
        now = self._clock.now()
        claim = DirectoryClaim(
            id=self._new_id(),
            type=request.type,
            key_type=request.key_type,
            key=request.key,
            status="OPEN",
            claimer_participant=request.account.participant,
            claimer_branch=request.account.branch,
            claimer_account_number=request.account.number,
            donor_participant=DONOR,
            resolution_period_end=now + timedelta(days=RESOLUTION_DAYS),
            completion_period_end=None,
            last_modified=now,
        )
        self.claims[claim.id] = claim
        return claim

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """The claim, or NotFound for a stranger."""
        self._enter("GetClaim", context)
        return self._known(claim_id, participant)

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """COMPLETED; the same RequestId again answers the same."""
        self._enter("CompleteClaim", context)
        claim = self._known(claim_id, participant)
        if self.request_ids.get(claim_id) == request_id:
            return claim
        if claim.status != "CONFIRMED":
            raise DirectoryRefused("ClaimOperationInvalid", 400, f"The claim is {claim.status}")
        self.request_ids[claim_id] = request_id
        now = self._clock.now()
        return self._change(
            claim, status="COMPLETED", entry_creation_date=now, key_ownership_date=now
        )

    async def cancel_claim(
        self, claim_id: UUID, participant: str, reason: str, context: CallContext
    ) -> DirectoryClaim:
        """CANCELLED by the claimer; the same reason again answers the same."""
        self._enter("CancelClaim", context)
        claim = self._known(claim_id, participant)
        if claim.status == "CANCELLED" and claim.cancel_reason == reason:
            return claim
        if _ended(claim):
            raise DirectoryRefused("ClaimOperationInvalid", 400, f"The claim is {claim.status}")
        if not self.allows(claim, reason):
            raise DirectoryRefused("InvalidReason", 400, "Not for this reason now")
        cancelled = {"status": "CANCELLED", "cancel_reason": reason, "cancelled_by": "CLAIMER"}
        return self._change(claim, **cancelled)

    async def list_claims(self, query: ClaimQuery, context: CallContext) -> ClaimPage:
        """Claims of the claimer in ascending LastModified."""
        self._enter("ListClaims", context)
        after = query.modified_after
        found = sorted(
            (
                claim
                for claim in self.claims.values()
                if claim.claimer_participant == query.participant
                and (after is None or claim.last_modified >= after)
            ),
            key=lambda claim: claim.last_modified,
        )
        return ClaimPage(tuple(found[: query.limit]), len(found) > query.limit)

    def act(self, claim_id: UUID, status: str, **changes: str) -> DirectoryClaim:
        """What the other participant did."""
        return self._change(self.claims[claim_id], status=status, **changes)

    def _change(self, claim: DirectoryClaim, **changes: object) -> DirectoryClaim:
        moved = replace(claim, last_modified=self._clock.now(), **changes)  # type: ignore[arg-type]
        self.claims[claim.id] = moved
        return moved

    def _known(self, claim_id: UUID, participant: str) -> DirectoryClaim:
        claim = self.claims.get(claim_id)
        if claim is None or participant not in (claim.claimer_participant, claim.donor_participant):
            raise DirectoryRefused("NotFound", 404, "No such claim")
        return claim

    def _enter(self, operation: str, context: CallContext) -> None:
        self.calls.append((operation, context.request_id))
        self.script(operation, context)


def _ended(claim: DirectoryClaim) -> bool:
    return claim.status in ("COMPLETED", "CANCELLED")
