"""Tells the sender that a command was refused: `command.rejected`, an aggregate of its own."""

from claim_orchestrator.application.ports import ClaimIntake
from claim_orchestrator.domain.events import CommandRejected
from dict_common.kernel.clock import Clock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import derived_id, rejection_id
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import ComposedFrom, EventComposer

SOURCE = "/dict-connect/claim-orchestrator"


class RefuseCommand:
    """Stores the rejection and its event together; a repeat of the command finds them there."""

    def __init__(self, intake: ClaimIntake, composer: EventComposer, clock: Clock) -> None:
        self._intake = intake
        self._composer = composer
        self._clock = clock

    async def __call__(
        self, command: InboxKey, envelope: Envelope, aggregate_id: str, error: InputRefused
    ) -> None:
        """Raises Unavailable: then the command stays unacknowledged."""
        now = self._clock.now()
        subject = rejection_id(command.consumer, command.command_id, command.fingerprints[0])
        event = CommandRejected(
            command_id=str(command.command_id),
            command_type=envelope.type,
            aggregate_type="claim",
            aggregate_id=aggregate_id,
            reason_code=error.reason_code,
            detail=error.detail,
            rejected_at=now,
        )
        composed = await self._composer.compose(
            ComposedFrom(
                name=event.NAME,
                record=event.record(),
                envelope=Envelope(
                    id=derived_id(subject, event.NAME),
                    type=event.NAME,
                    source=SOURCE,
                    time=now,
                    subject=str(subject),
                    aggregate_type="command",
                    correlation_id=envelope.correlation_id or str(command.command_id),
                    causation_id=str(command.command_id),
                    traceparent=envelope.traceparent,
                ),
                ordinal=1,
                subject_id=None,
            )
        )
        await self._intake.reject(command, error.reason_code, composed)
