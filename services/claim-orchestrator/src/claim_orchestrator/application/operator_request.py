"""`operator.request`: a person with an operator's token resumes or cancels a claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from claim_orchestrator.application.claim_policy import ClaimPolicy, facts_of
from claim_orchestrator.application.claim_records import OperatorOrder
from claim_orchestrator.application.claim_view import view_of
from claim_orchestrator.application.ports import (
    ClaimIntake,
    ClaimProcess,
    ClaimStore,
    KeptClaim,
)
from claim_orchestrator.domain.claim import ClaimType, WorkflowStatus
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.decisions import judge
from claim_orchestrator.domain.errors import ClaimUnknown
from claim_orchestrator.domain.events import SOURCE
from claim_orchestrator.domain.reasons import wishes
from claim_orchestrator.domain.transitions import known_status
from dict_common.intake.events import OperatorActed
from dict_common.intake.operators import (
    OperatorDoor,
    OperatorTokens,
    acted,
    reason_in,
    require_subject,
)
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import member, optional, text
from dict_common.kernel.ids import parse_id
from dict_common.ports.inbox import Delivery
from dict_common.ports.outgoing import EventComposer


class Verb(StrEnum):
    """What an operator may ask for."""

    CLAIM_RESUME = "CLAIM_RESUME"
    CLAIM_CANCEL = "CLAIM_CANCEL"


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
    """The use case of the command consumer: the act behind the operators' door."""

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
        self._composer = composer
        self._policy = policy
        self._door = OperatorDoor(intake, tokens, self)

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        await self._door(delivery, record)

    def read(self, delivery: Delivery, record: Mapping[str, object]) -> Request:
        """Raises InputRefused with the word that is wrong."""
        claim_id = parse_id(text(record, "target"), "target")
        require_subject(delivery, str(claim_id))
        return Request(
            reason=reason_in(record),
            verb=member(Verb, record, "verb"),
            claim_id=claim_id,
            cancel_reason=optional(record, "cancel_reason"),
            dry_run=record.get("dry_run") is True,
        )

    async def accept(self, delivery: Delivery, request: Request, operator: str) -> None:
        """Against the claim as it is; told in the transaction of the inbox row."""
        await self._check(request)
        event = OperatorActed(
            request_id=str(delivery.envelope.id),
            verb=request.verb,
            target_type="claim",
            target_id=str(request.claim_id),
            operator=operator,
            reason=request.reason,
            outcome="would-be-accepted" if request.dry_run else "accepted",
            dry_run=request.dry_run,
            acted_at=delivery.published_at,
        )
        events = await self._composer.compose(acted(SOURCE, delivery, event))
        await self._intake.accept_operator(delivery.key, events)

    async def carry_out(self, delivery: Delivery, request: Request) -> str:
        """To the claim's workflow; where it was lost, it is started anew first."""
        cancel = request.cancel_reason if request.verb is Verb.CLAIM_CANCEL else None
        order = OperatorOrder(delivery.key.command_id, request.verb, cancel)
        if not await self._process.order(request.claim_id, order):
            kept = await self._store.load(request.claim_id)
            if kept.row.status == WorkflowStatus.RUNNING:
                again = self._policy.process_input(facts_of(kept), resumed=True)
                await self._process.restart(again)
                await self._process.order(request.claim_id, order)
        return "ordered"

    async def _check(self, request: Request) -> None:
        try:
            kept = await self._store.load(request.claim_id)
        except ClaimUnknown as error:
            raise InputRefused(
                "claim-unknown", "no claim of this id: dictctl claim list"
            ) from error
        check_act(request.verb, request.cancel_reason, kept)
