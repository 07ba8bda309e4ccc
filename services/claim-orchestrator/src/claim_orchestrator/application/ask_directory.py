"""Calls to DICT as the steps of a claim: one method a step, answers as snapshots."""

from collections.abc import Callable
from uuid import UUID

from claim_orchestrator.application.claim_process import (
    BridgeStep,
    ClaimProcessInput,
    KnownClaim,
    Snapshot,
)
from claim_orchestrator.application.ports import ClaimStore
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.transitions import moves_forward
from dict_common.ports.directory import (
    Account,
    CallContext,
    ClaimRequest,
    Directory,
    DirectoryClaim,
    Person,
)


class AskDirectory:
    """Each method raises DirectoryRefused with DICT's problem, or Unavailable."""

    def __init__(
        self, directory: Directory, store: ClaimStore, new_request_id: Callable[[], UUID]
    ) -> None:
        self._directory = directory
        self._store = store
        self._new_request_id = new_request_id

    async def create(self, step: BridgeStep) -> Snapshot:
        """Opens the claim at DICT."""
        return snapshot(
            await self._directory.create_claim(_claim_request(step.process), _context(step))
        )

    async def get(self, known: KnownClaim) -> Snapshot:
        """The claim as DICT shows it now."""
        return snapshot(
            await self._directory.get_claim(
                known.dict_claim_id, known.step.process.participant, _context(known.step)
            )
        )

    async def news(self, known: KnownClaim) -> Snapshot | None:
        """The claim if DICT shows a status beyond the last one, else None."""
        seen = await self.get(known)
        return seen if moves_forward(known.last_status, seen.status) else None

    async def prepare_completion(self, process: ClaimProcessInput) -> UUID:
        """Makes and stores the RequestId of the completion, before any call with it leaves.

        It is the HMAC key of the new entry's CID (bacen-dict 1.2): losing it breaks VSYNC.
        """
        return await self._store.complete_request_id(
            process.claim_id, Role.CLAIMER, self._new_request_id()
        )

    async def complete(self, known: KnownClaim) -> Snapshot:
        """Completes a CONFIRMED claim."""
        if known.complete_request_id is None:
            raise ValueError("complete needs the RequestId that PrepareCompletion stored")
        return snapshot(
            await self._directory.complete_claim(
                known.dict_claim_id,
                known.step.process.participant,
                known.complete_request_id,
                _context(known.step),
            )
        )


def snapshot(claim: DirectoryClaim) -> Snapshot:
    """What the process keeps of DICT's answer: no key, no person."""
    return Snapshot(
        dict_claim_id=claim.id,
        status=claim.status,
        donor_ispb=claim.donor_participant,
        resolution_period_end=claim.resolution_period_end,
        completion_period_end=claim.completion_period_end,
        last_modified=claim.last_modified,
        confirm_reason=claim.confirm_reason,
        cancel_reason=claim.cancel_reason,
        cancelled_by=claim.cancelled_by,
        entry_creation_date=claim.entry_creation_date,
        key_ownership_date=claim.key_ownership_date,
    )


def _context(step: BridgeStep) -> CallContext:
    return CallContext(
        request_id=step.request_id,
        correlation_id=step.process.correlation_id,
        workflow_id=step.by.id,
        workflow_run_id=step.by.run_id,
    )


def _claim_request(process: ClaimProcessInput) -> ClaimRequest:
    return ClaimRequest(
        type=process.type,
        key_type=process.key_type,
        key=process.key,
        account=Account(
            participant=process.participant,
            branch=process.account_branch,
            number=process.account_number,
            type=process.account_type,
            opening_date=process.account_opening_date,
        ),
        claimer=Person(
            type=process.claimer_type,
            tax_id=process.claimer_tax_id,
            name=process.claimer_name,
            trade_name=process.claimer_trade_name,
        ),
    )
