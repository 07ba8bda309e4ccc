"""What the use cases of VSYNC ask for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
class Written:
    """What a report makes of an entry. `outcome` is the inbox's word for it.

    `entry` is None where nothing of it changes. `stands`: it is the report's content that stands
    from now on, with `papers`, or without any for a tombstone.
    """

    outcome: str
    entry: Entry | None = None
    stands: bool = False
    papers: Papers | None = None
    events: Sequence[OutgoingEvent] = ()


Decide = Callable[[Entry | None], Awaitable[Written]]


class EntryStore(CommandInbox, Protocol):
    """The base of entries. Blocks for the database; raises Unavailable when it is away."""

    async def accept(self, command: InboxKey, entry_id: UUID, decide: Decide) -> bool:
        """Settled inbox row, entry, CID, history, fold and events in one transaction, by what
        `decide` makes of the entry as it is; nobody else changes it meanwhile. False if the command
        was there.

        Raises InputRefused: `command-id-reused`, or `cid-already-known` where another entry of the
        set has this CID.
        """
