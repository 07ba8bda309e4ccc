"""What the use cases of VSYNC ask for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from vsync.domain.entry import Entry


@dataclass(frozen=True)
class Papers:
    """What stands beside an active entry: its values sealed (`rest`), and what finds it."""

    key_hash: str
    sealed: bytes
    subject_id: UUID


@dataclass(frozen=True)
class Met:
    """An entry as a transaction finds it, None where it is unknown. `twin`: another entry of the
    same key that was made up here (by a repair, an import or a claim) before Core told its id."""

    entry: Entry | None
    twin: Entry | None = None


@dataclass(frozen=True)
class Retired:
    """A twin that gives its key to the entry that Core has told of."""

    entry: Entry
    events: Sequence[OutgoingEvent]


@dataclass(frozen=True)
class OpenedReview:
    """A row of the review queue. `cid`: what Bacen does not have; `key_encrypted`: by `rest`."""

    review_id: UUID
    key_encrypted: bytes | None
    key_hash: str | None
    cid: bytes
    run_id: UUID
    reason: str
    opened_at: datetime
    decide_by: datetime
    events: Sequence[OutgoingEvent]


@dataclass(frozen=True)
class ClosedReview:
    """A review that needs nobody any more. `action`: what became of it."""

    review_id: UUID
    action: str
    at: datetime
    events: Sequence[OutgoingEvent]


@dataclass(frozen=True)
class Written:
    """What a report makes of an entry. `outcome` is the inbox's word for it, or the discrepancy's.

    `entry` is None where nothing of it changes. `stands`: it is the report's content that stands
    from now on, with `papers`, or without any for a tombstone. Where it does not stand and a review
    is opened, the entry keeps its content and leaves its VSync.
    """

    outcome: str
    entry: Entry | None = None
    stands: bool = False
    papers: Papers | None = None
    events: Sequence[OutgoingEvent] = ()
    retires: Retired | None = None
    opens: OpenedReview | None = None
    closes: ClosedReview | None = None


Decide = Callable[[Met], Awaitable[Written]]


class EntryStore(CommandInbox, Protocol):
    """The base of entries. Blocks for the database; raises Unavailable when it is away."""

    async def entry_of(self, key_hash: str) -> UUID | None:
        """The entry that has a key: one that stands before one in review."""

    async def accept(
        self, command: InboxKey, entry_id: UUID, key_hash: str | None, decide: Decide
    ) -> bool:
        """Settled inbox row, entry, CID, history, fold, reviews and events in one transaction, by
        what `decide` makes of the entry as it is; nobody else changes it meanwhile. False if the
        command was there. `key_hash` finds the twin.

        Raises InputRefused: `command-id-reused`, or `cid-already-known` where another entry of the
        set that Core has told of has this CID.
        """
