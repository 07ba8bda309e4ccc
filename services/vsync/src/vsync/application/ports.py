"""What the use cases of VSYNC ask for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.ports.inbox import CommandInbox, InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from vsync.domain.entry import Entry
from vsync.domain.holding import Known


@dataclass(frozen=True)
class Papers:
    """What stands beside an active entry: its values sealed (`rest`), and what finds it."""

    key_hash: str
    sealed: bytes
    subject_id: UUID


@dataclass(frozen=True)
class Held:
    """An entry that holds a key, active or in review."""

    entry: Entry
    papers: Papers


@dataclass(frozen=True)
class Met:
    """An entry as a transaction finds it, None where it is unknown, and what is known beside it."""

    entry: Entry | None
    others: Sequence[Held] = ()
    """Other entries that hold the same key."""
    ended_at: datetime | None = None
    """The latest state, by DICT's clock, of other entries that had the key once."""

    @property
    def known(self) -> Known:
        """For the one who decides."""
        return Known([it.entry for it in self.others], self.ended_at)


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
class Retired:
    """An entry that gives its key up, and the review that ends with it."""

    entry: Entry
    events: Sequence[OutgoingEvent]
    closes: ClosedReview | None = None


@dataclass(frozen=True)
class Written:
    """What a report makes of an entry. `outcome` is the inbox's word for it, or the discrepancy's.

    `entry` is None where nothing of it changes. `stands`: it is the report's content that stands
    from now on, with `papers`, or without any for a tombstone, which keeps its `key_hash`, also
    where it is learnt after it. Where it does not stand and a review is opened, the entry keeps its
    content and leaves its VSync.
    """

    outcome: str
    entry: Entry | None = None
    stands: bool = False
    papers: Papers | None = None
    events: Sequence[OutgoingEvent] = ()
    retires: Sequence[Retired] = ()
    opens: OpenedReview | None = None
    closes: ClosedReview | None = None
    key_hash: str | None = None


Decide = Callable[[Met], Awaitable[Written]]


class EntryStore(CommandInbox, Protocol):
    """The base of entries. Blocks for the database; raises Unavailable when it is away."""

    async def accept(
        self, command: InboxKey, entry_id: UUID, key_hash: str | None, decide: Decide
    ) -> bool:
        """Settled inbox row, entry, CID, history, fold, reviews and events in one transaction, by
        what `decide` makes of the entry as it is; nobody else changes it meanwhile. False if the
        command was there. Without `key_hash` nothing is known beside the entry.

        What is written may be one of the entries that were met beside it, in place of the entry.
        Raises InputRefused: `command-id-reused`, or `cid-already-known` where another entry of the
        set has this CID, and yet another key.
        """
