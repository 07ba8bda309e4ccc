"""`operator.request`: a person with an operator's token resumes or cancels a claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from claim_orchestrator.application.claim_policy import ClaimPolicy, facts_of
from claim_orchestrator.application.claim_records import OperatorOrder
from claim_orchestrator.application.claim_view import view_of
from claim_orchestrator.application.decide_claim import Delivery
from claim_orchestrator.application.fields import bounded, member, opaque, optional, text
from claim_orchestrator.application.own_aggregate import CausedBy, only_event
from claim_orchestrator.application.ports import (
    ClaimIntake,
    ClaimProcess,
    ClaimStore,
    KeptClaim,
    command_id_reused,
)
from claim_orchestrator.domain.claim import ClaimType, WorkflowStatus
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.decisions import judge
from claim_orchestrator.domain.errors import ClaimUnknown
from claim_orchestrator.domain.events import OperatorActed
from claim_orchestrator.domain.reasons import wishes
from claim_orchestrator.domain.transitions import known_status
from dict_common.kernel.bound_tokens import token_of
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import parse_id
from dict_common.kernel.personal import looks_personal
from dict_common.ports.inbox import Seen
from dict_common.ports.outgoing import EventComposer, OutgoingEvent

REASON_CHARACTERS_MAX = 200


class Verb(StrEnum):
    """What an operator may ask for."""

    CLAIM_RESUME = "CLAIM_RESUME"
    CLAIM_CANCEL = "CLAIM_CANCEL"


class OperatorTokens(Protocol):
    """Judges operators' tokens. Never blocks."""

    def subject_of(self, token: str, at: datetime) -> str:
        """The opaque id of the operator whose token was valid at that instant.

        Raises InputRefused `token-invalid`.
        """


@dataclass(frozen=True)
class Request:
    """A valid request."""

    verb: Verb
    claim_id: UUID
    reason: str
    cancel_reason: str | None
    dry_run: bool


def check_act(verb: str, cancel_reason: str | None, kept: KeptClaim) -> None:
    """Whether the claim allows the act: asked by the console before it sends, and again here.

    Raises InputRefused with what would be allowed.
    """
    row = kept.row
    if row.status != WorkflowStatus.RUNNING:
        raise InputRefused("claim-already-resolved", f"the claim is {row.status}: nothing is left")
    if verb == Verb.CLAIM_RESUME:
        return
    if row.shown is None:
        raise InputRefused(
            "claim-not-open", "DICT does not know the claim yet: it can be cancelled once it does"
        )
    claim_type, status = ClaimType(kept.type), known_status(row.shown.status)
    if (cancel_reason or "") not in wishes(claim_type, status):
        allowed = ", ".join(sorted(wishes(claim_type, status)))
        raise InputRefused(
            "reason-not-allowed",
            f"a claim of type {claim_type} in {status} may be cancelled for: {allowed or 'nothing'}"
            " (bacen-dict 1.4)",
        )


def check_decision(
    decision: str, reason: str | None, now: datetime, kept: KeptClaim, calendar: Calendar
) -> None:
    """What would be made of a decision that is sent now: for the console's dry run.

    Raises InputRefused with the reason code that its sender would be told.
    """
    row = kept.row
    if row.status != WorkflowStatus.RUNNING:
        raise InputRefused("claim-already-resolved", f"the claim is {row.status}: nothing is left")
    if row.shown is None:
        return  # it waits until DICT has the claim
    verdict = judge(decision, reason, now, view_of(kept.type, row, calendar), resolving=False)
    if verdict.refused is not None:
        raise InputRefused(verdict.refused, verdict.detail)


class HandleOperatorRequest:
    """The use case of the command consumer."""

    def __init__(
        self,
        intake: ClaimIntake,
        store: ClaimStore,
        process: ClaimProcess,
        tokens: OperatorTokens,
        composer: EventComposer,
        policy: ClaimPolicy,
    ) -> None:
        self._intake = intake
        self._store = store
        self._process = process
        self._tokens = tokens
        self._composer = composer
        self._policy = policy

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        seen = await self._intake.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        request = self._valid(delivery, record)
        if seen is Seen.NEW:  # what was accepted stays so: a key may be gone when it comes again
            token = token_of(delivery.key.command_id, record)
            subject = self._tokens.subject_of(token, delivery.published_at)
            operator = opaque({"sub": subject}, "sub")
            await self._check(request)
            events = await self._acted(delivery, request, operator)
            await self._intake.accept_operator(delivery.key, events)
        if not request.dry_run:
            await self._hand_over(delivery.key.command_id, request)
        await self._intake.settle(delivery.key, "dry-run" if request.dry_run else "ordered")

    async def _hand_over(self, request_id: UUID, request: Request) -> None:
        """To the claim's workflow; where it was lost, it is started anew first."""
        cancel = request.cancel_reason if request.verb is Verb.CLAIM_CANCEL else None
        order = OperatorOrder(request_id, request.verb, cancel)
        if await self._process.order(request.claim_id, order):
            return
        kept = await self._store.load(request.claim_id)
        if kept.row.status == WorkflowStatus.RUNNING:
            await self._process.restart(self._policy.process_input(facts_of(kept), resumed=True))
            await self._process.order(request.claim_id, order)

    def _valid(self, delivery: Delivery, record: Mapping[str, object]) -> Request:
        claim_id = parse_id(text(record, "target"), "target")
        if delivery.envelope.subject.lower() != str(claim_id):
            raise InputRefused("subject-differs", "ce_subject must be the target of the body")
        reason = bounded(record, "reason", REASON_CHARACTERS_MAX)
        if looks_personal(reason):
            raise InputRefused(
                "reason-holds-personal-data",
                "reason is kept for ever and in clear: name a ticket, no phone, tax id or e-mail",
            )
        return Request(
            verb=member(Verb, record, "verb"),
            claim_id=claim_id,
            reason=reason,
            cancel_reason=optional(record, "cancel_reason"),
            dry_run=record.get("dry_run") is True,
        )

    async def _check(self, request: Request) -> None:
        try:
            kept = await self._store.load(request.claim_id)
        except ClaimUnknown as error:
            raise InputRefused(
                "claim-unknown", "no claim of this id: dictctl claim list"
            ) from error
        check_act(request.verb, request.cancel_reason, kept)

    async def _acted(
        self, delivery: Delivery, request: Request, operator: str
    ) -> tuple[OutgoingEvent, ...]:
        envelope = delivery.envelope
        event = OperatorActed(
            request_id=str(envelope.id),
            verb=request.verb,
            target_type="claim",
            target_id=str(request.claim_id),
            operator=operator,
            reason=request.reason,
            outcome="would-be-accepted" if request.dry_run else "accepted",
            dry_run=request.dry_run,
            acted_at=delivery.published_at,
        )
        cause = CausedBy(envelope.id, envelope.correlation_id, envelope.traceparent)
        return await self._composer.compose(
            only_event(event, "operator-action", envelope.id, delivery.published_at, cause)
        )
