"""The worker's small steps over the store: load, store a decision, read the mail, tell users."""

from claim_orchestrator.application.claim_mail import DecisionAnswer, DecisionToStore, Mail
from claim_orchestrator.application.claim_policy import ClaimPolicy, facts_of
from claim_orchestrator.application.claim_records import ClaimRef, LoadedClaim, Notice
from claim_orchestrator.application.decide_claim import require_reason
from claim_orchestrator.application.ports import ClaimStore, NewDecision, Notifier
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.decisions import Decision, effective_at
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import opaque, sane


class ClaimDesk:
    """Each method raises Unavailable when its server is away."""

    def __init__(self, store: ClaimStore, notifier: Notifier, policy: ClaimPolicy) -> None:
        self._store = store
        self._notifier = notifier
        self._policy = policy

    async def load(self, ref: ClaimRef) -> LoadedClaim:
        """Facts and row. Raises ClaimUnknown."""
        kept = await self._store.load(ref.claim_id)
        return LoadedClaim(self._policy.process_input(facts_of(kept)), kept.row)

    async def store_decision(self, wanted: DecisionToStore) -> DecisionAnswer:
        """Keeps a decision of another door than the topic. Raises InputRefused."""
        given, at = wanted.given, wanted.arrived_at
        if given.decision not in set(Decision):
            raise InputRefused("value-unknown", f"decision must be one of {', '.join(Decision)}")
        require_reason(given.reason)
        decided_at = sane(given.decided_at or at, "decided_at")
        outcome = await self._store.store_decision(
            NewDecision(
                ce_id=wanted.ce_id,
                claim_id=wanted.claim_id,
                role=Role.CLAIMER,
                decision=given.decision,
                reason=given.reason,
                otp_id=None,
                decided_at=decided_at,
                published_at=at,
                effective_at=effective_at(decided_at, at, at),
                decided_by=opaque({"decided_by": given.decided_by}, "decided_by"),
                stored_at=at,
            )
        )
        return DecisionAnswer(wanted.ce_id, outcome)

    async def read_mail(self, ref: ClaimRef) -> Mail:
        """Decisions that nobody judged, and the newest proof."""
        return await self._store.mail(ref.claim_id)

    async def notify(self, notice: Notice) -> bool:
        """Tells users how the claim ended; False when nobody is set up to be told."""
        process = notice.process
        return await self._notifier.notify(
            notice.notice_id,
            {
                "type": "claim.ended",
                "timestamp": notice.at.isoformat(),
                "data": {
                    "claim_id": str(process.claim_id),
                    "participant": process.participant,
                    "claim_type": process.type,
                    "status": notice.status,
                    "dict_status": notice.dict_status,
                    "resolution_type": notice.resolution_type,
                    "subject_id": str(process.subject_id),
                },
            },
        )
