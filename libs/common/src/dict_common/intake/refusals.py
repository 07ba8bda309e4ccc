"""Tells the sender that a command was refused: `command.rejected`, an aggregate of its own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dict_common.intake.events import CausedBy, CommandRejected, only_event
from dict_common.kernel.clock import Clock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import rejection_id
from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import EventComposer, OutgoingEvent


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
    """Composes `command.rejected`. `source`: the service that refuses."""

    def __init__(self, composer: EventComposer, source: str) -> None:
        self._composer = composer
        self._source = source

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
        cause = CausedBy(
            self._source, refused.command_id, refused.correlation_id, refused.traceparent
        )
        return await self._composer.compose(
            only_event(event, "command", refused.rejection, refused.at, cause)
        )


class Refusals:
    """Stores the rejection and its event together; a repeat of the command finds them there."""

    def __init__(self, inbox: CommandInbox, rejections: Rejections, clock: Clock) -> None:
        self._inbox = inbox
        self._rejections = rejections
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
        await self._inbox.reject(command, error.reason_code, composed)
