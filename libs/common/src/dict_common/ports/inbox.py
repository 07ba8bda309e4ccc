"""How a command is recognised when it comes again."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


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
