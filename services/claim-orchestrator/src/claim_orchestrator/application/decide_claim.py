"""`claim.decide`: stored with its inbox row first, then the claim's workflow is woken."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from claim_orchestrator.application.ports import ClaimIntake, ClaimProcess, NewDecision
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.decisions import Decision, effective_at
from claim_orchestrator.domain.reasons import CancelReason
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import instant, member, opaque, optional, text
from dict_common.kernel.ids import parse_id
from dict_common.ports.inbox import Delivery as Delivery  # callers find it beside the use case
from dict_common.ports.inbox import Seen, command_id_reused


def decision_of(delivery: Delivery, record: Mapping[str, object], now: datetime) -> NewDecision:
    """The decision in `record`. Raises InputRefused with the rule that it breaks."""
    claim_id = parse_id(text(record, "claim_id"), "claim_id")
    if delivery.envelope.subject.lower() != str(claim_id):
        raise InputRefused("subject-differs", "ce_subject must be the claim_id of the body")
    if member(Role, record, "role") is not Role.CLAIMER:
        raise InputRefused(
            "role-unsupported", "this release runs claims as the claimer; role must be CLAIMER"
        )
    reason, otp_id = optional(record, "reason"), optional(record, "otp_id")
    require_reason(reason)
    decided_at = instant(record, "decided_at")
    return NewDecision(
        ce_id=delivery.key.command_id,
        claim_id=claim_id,
        role=Role.CLAIMER,
        decision=member(Decision, record, "decision"),
        reason=reason,
        otp_id=None if otp_id is None else parse_id(otp_id, "otp_id"),
        decided_at=decided_at,
        published_at=delivery.published_at,
        effective_at=effective_at(decided_at, delivery.published_at, now),
        decided_by=opaque(record, "decided_by"),
        stored_at=now,
        fingerprint=delivery.key.fingerprints[0],
        correlation_id=delivery.envelope.correlation_id,
        traceparent=delivery.envelope.traceparent,
    )


def require_reason(reason: str | None) -> None:
    """Raises InputRefused for free text: what is stored in clear is Bacen's word or nothing."""
    if reason is not None and reason not in set(CancelReason):
        raise InputRefused(
            "reason-not-allowed", f"reason must be one of {', '.join(sorted(CancelReason))}"
        )


class DecideClaim:
    """The use case of the command consumer."""

    def __init__(self, intake: ClaimIntake, process: ClaimProcess, clock: Clock) -> None:
        self._intake = intake
        self._process = process
        self._clock = clock

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable.

        A claim that is not known yet is waited for (`OrphanDecisions` gives up after a day).
        """
        seen = await self._intake.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        claim_id: UUID
        if seen is Seen.NEW:
            decision = decision_of(delivery, record, self._clock.now())
            await self._intake.accept_decision(delivery.key, decision)
            claim_id = decision.claim_id
        else:
            claim_id = parse_id(text(record, "claim_id"), "claim_id")
        await self._process.wake(claim_id)
        await self._intake.settle(delivery.key, "stored")
