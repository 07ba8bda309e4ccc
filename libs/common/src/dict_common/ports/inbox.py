"""How a command is recognised when it comes again, refused, and finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.ports.outgoing import OutgoingEvent


class Seen(StrEnum):
    """What the inbox knows of a command."""

    NEW = "new"
    OPEN = "open"
    """Stored, hand-over not confirmed: repeat it."""
    SETTLED = "settled"
    OTHER_CONTENT = "other-content"
    """The same id came with another content before."""


@dataclass(frozen=True)
class InboxKey:
    """A command's key. `fingerprints` under each hash key in use, primary first."""

    consumer: str
    command_id: UUID
    fingerprints: tuple[bytes, ...]


@dataclass(frozen=True)
class Delivery:
    """How a command came: its inbox key, its envelope, when the broker took it."""

    key: InboxKey
    envelope: Envelope
    published_at: datetime


def command_id_reused() -> InputRefused:
    """The refusal of an id that came before with another content."""
    return InputRefused(
        "command-id-reused",
        "this ce_id came before with another content: give each command its own id",
    )


class CommandInbox(Protocol):
    """The same for every command. Blocks for the database; raises Unavailable."""

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows of the command."""

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """Marks the hand-over as done."""

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Stores the rejection with its events, once for each content of the command."""
