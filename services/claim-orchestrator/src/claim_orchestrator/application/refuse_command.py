"""Tells the sender that a command was refused: `command.rejected`, an aggregate of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from claim_orchestrator.application.claim_records import DecisionVerdict
from claim_orchestrator.application.own_aggregate import CausedBy, only_event
from claim_orchestrator.application.ports import ClaimStore, CommandInbox, NewDecision
from claim_orchestrator.domain.events import CommandRejected
from dict_common.kernel.clock import Clock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import rejection_id
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import EventComposer, OutgoingEvent

DECIDE_COMMAND = "claim.decide"


@dataclass(frozen=True)
class Refused:
    """A refusal before it is sealed. `rejection`: the id of its aggregate."""

    rejection: UUID
    command_id: UUID
    command_type: str
    target_type: str
    target_id: str
    reason_code: str
    detail: str
    at: datetime
    correlation_id: str | None
    traceparent: str | None


class Rejections:
    """Composes `command.rejected`."""

    def __init__(self, composer: EventComposer) -> None:
        self._composer = composer

    async def compose(self, refused: Refused) -> tuple[OutgoingEvent, ...]:
        """Its rows, the same ids however often. Raises Unavailable."""
        event = CommandRejected(
            command_id=str(refused.command_id),
            command_type=refused.command_type,
            aggregate_type=refused.target_type,
            aggregate_id=refused.target_id,
            reason_code=refused.reason_code,
            detail=refused.detail,
            rejected_at=refused.at,
        )
        cause = CausedBy(refused.command_id, refused.correlation_id, refused.traceparent)
        return await self._composer.compose(
            only_event(event, "command", refused.rejection, refused.at, cause)
        )


class RefuseCommand:
    """Stores the rejection and its event together; a repeat of the command finds them there."""

    def __init__(self, intake: CommandInbox, composer: EventComposer, clock: Clock) -> None:
        self._intake = intake
        self._rejections = Rejections(composer)
        self._clock = clock

    async def __call__(
        self, command: InboxKey, envelope: Envelope, target: tuple[str, str], error: InputRefused
    ) -> None:
        """`target`: type and id of the aggregate that it was about. Raises Unavailable: then the
        command stays unacknowledged."""
        composed = await self._rejections.compose(
            Refused(
                rejection=rejection_id(
                    command.consumer, command.command_id, command.fingerprints[0]
                ),
                command_id=command.command_id,
                command_type=envelope.type,
                target_type=target[0],
                target_id=target[1],
                reason_code=error.reason_code,
                detail=error.detail,
                at=self._clock.now(),
                correlation_id=envelope.correlation_id,
                traceparent=envelope.traceparent,
            )
        )
        await self._intake.reject(command, error.reason_code, composed)


class DecisionRejections:
    """Rejections of decisions that were stored first and judged later."""

    def __init__(self, store: ClaimStore, composer: EventComposer) -> None:
        self._store = store
        self._rejections = Rejections(composer)

    async def compose(
        self, verdicts: Sequence[DecisionVerdict], at: datetime
    ) -> list[OutgoingEvent]:
        """The rows of the refused ones. Raises Unavailable."""
        refused = {verdict.ce_id: verdict for verdict in verdicts if verdict.refused is not None}
        rows: list[OutgoingEvent] = []
        if not refused:
            return rows
        for decision in await self._store.verdicts_to_tell(list(refused)):
            verdict = refused[decision.ce_id]
            told = refusal_of(decision, verdict.refused or "", verdict.detail, at)
            rows += await self._rejections.compose(told)
        return rows


def refusal_of(decision: NewDecision, reason_code: str, detail: str, at: datetime) -> Refused:
    """The refusal of a stored decision."""
    return Refused(
        rejection=rejection_id(DECIDE_COMMAND, decision.ce_id, decision.fingerprint),
        command_id=decision.ce_id,
        command_type=DECIDE_COMMAND,
        target_type="claim",
        target_id=str(decision.claim_id),
        reason_code=reason_code,
        detail=detail,
        at=at,
        correlation_id=decision.correlation_id,
        traceparent=decision.traceparent,
    )
