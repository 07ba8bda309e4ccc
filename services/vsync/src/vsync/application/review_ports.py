"""What the use cases of a review ask for. Every call may block for the database, and raises
Unavailable when it is away."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from vsync.application.ports import Papers
from vsync.domain.entry import Entry
from vsync.domain.review import Review


@dataclass(frozen=True)
class InReview:
    """A review with its entry, as a transaction finds them. `cid`: what Bacen does not have, since
    `opened_at` at least; `sealed`: the entry's values (`rest`); `request_id`: of the registration
    under way."""

    review: Review
    entry: Entry
    cid: bytes
    opened_at: datetime
    sealed: bytes | None
    request_id: UUID | None = None


@dataclass(frozen=True)
class ReviewWritten:
    """What becomes of both. `entry` is None where it stays as it is; with `papers` its content
    stands again, without any it is a tombstone. `request_id` goes with KEEPING, `reason` with a
    review that is open again."""

    review: Review
    entry: Entry | None = None
    papers: Papers | None = None
    entry_events: Sequence[OutgoingEvent] = ()
    review_events: Sequence[OutgoingEvent] = ()
    others: Sequence[OutgoingEvent] = ()
    """That open an aggregate of their own: `operator.acted`."""
    decided_by: tuple[str, ...] = ()
    request_id: UUID | None = None
    reason: str | None = None
    at: datetime | None = None


Decide = Callable[[InReview], Awaitable[ReviewWritten | None]]
"""None: nothing is to be written."""


class ReviewStore(CommandInbox, Protocol):
    """Reviews and their entries."""

    async def look(self, review_id: UUID) -> InReview | None:
        """As they are; None for no review of ours."""

    async def decide(self, command: InboxKey, review_id: UUID, decide: Decide) -> bool:
        """Inbox row (outcome NULL), review, entry and events in one transaction, in which nobody
        else changes either. False if the command was there.

        Raises InputRefused: `command-id-reused`, `review-unknown`.
        """

    async def change(self, review_id: UUID, caused_by: UUID, decide: Decide) -> None:
        """The same without a command."""
