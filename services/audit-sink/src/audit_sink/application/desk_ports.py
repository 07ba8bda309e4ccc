"""What the desk for dead letters asks for. Every method may block and raises Unavailable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from dict_common.kernel.letter_ids import LetterId
from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import OutgoingEvent


@dataclass(frozen=True)
class LetterTaken:
    """A letter that a request takes. `event_id`: ce_id of the message inside, if it has one."""

    id: LetterId
    event_id: UUID | None


@dataclass(frozen=True)
class Taking:
    """What one request does, to letters of one service, in their order."""

    service: str
    action: str
    letters: tuple[LetterTaken, ...]
    operator: str
    reason: str


@dataclass(frozen=True)
class Inspected:
    """A letter that lies there. `readable`: our keys open it."""

    readable: bool
    event_id: UUID | None


class LetterActions(CommandInbox, Protocol):
    """connect.dead_letter_actions and the inbox, over one database."""

    async def acted_on(self, service: str, letters: Sequence[LetterId]) -> frozenset[LetterId]:
        """Which of them somebody acted on before."""

    async def take(
        self, request: InboxKey, taking: Taking | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """Inbox row (outcome NULL), an action for each letter, and the events, in one transaction.

        A discard is done with that; a redrive waits to be carried out. None: a dry run. Does
        nothing if the request is there. Raises Unavailable when a letter was taken meanwhile:
        then nothing is stored.
        """

    async def waiting(self, request_id: UUID) -> list[LetterId]:
        """The letters of a request that did not go back yet, in their order."""

    async def done(self, service: str, letter: LetterId, outcome: str) -> None:
        """Notes how it ended, `redriven` or `gone`; a repeat changes nothing."""


class LetterBox(Protocol):
    """The dead letters of all services, and their way back."""

    async def inspect(self, service: str, letter: LetterId) -> Inspected | None:
        """A letter; None if there is none, or none that can be read."""

    async def give_back(self, service: str, letter: LetterId) -> bool:
        """Publishes it to its service, on disk when this returns; False if it is gone for certain.

        A repeat publishes it again: consumers know a message by its id.
        """


class Pace(Protocol):
    """How fast letters go back."""

    async def turn(self, service: str, per_second: int) -> None:
        """Returns when the next letter of that service may go. Raises Unavailable at a stop."""
