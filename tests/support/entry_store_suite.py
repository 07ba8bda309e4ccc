"""The exam that EntryStore passes, fake and adapter alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent
from vsync.application.ports import Decide, EntryStore, Papers, Written
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.precedence import Report, Source

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SET = EntrySet("12345678", "PHONE")


def key(content: bytes = b"\x00a", id_: UUID | None = None) -> InboxKey:
    """A command's key."""
    return InboxKey("vsync.entry-report", id_ or uuid4(), (content,))


def entry(number: int = 1, cid: bytes | None = None) -> Entry:
    """One that nobody met before, so that tests may share a database."""
    report = Report(Source.CORE, number, NOON)
    made = cid or uuid4().bytes + uuid4().bytes
    return Entry(uuid4(), SET, made, report, {Source.CORE: number}, version=1)


def papers() -> Papers:
    """Of some owner."""
    return Papers("h" * 64, b"sealed", uuid4())


def told(of: Entry) -> OutgoingEvent:
    """An event about it."""
    envelope = Envelope(uuid4(), "entry.created", "/s", NOON, str(of.entry_id), "entry")
    return OutgoingEvent("events/entry.created", envelope.subject, envelope, b"body", 1)


def becomes(
    after: Entry | None, papers_: Papers | None = None, events: Sequence[OutgoingEvent] = ()
) -> Decide:
    """Whatever it was."""

    async def decide(_: Entry | None) -> Written:
        return Written("done", after, after is not None, papers_, events)

    return decide


class EntryStoreSuite(ABC):
    """What the port promises."""

    @abstractmethod
    async def store(self) -> EntryStore:
        """The port."""

    @abstractmethod
    async def told_of(self, entry_id: UUID) -> list[int]:
        """The sequences of an entry's events."""

    async def stands(self, store: EntryStore, entry_id: UUID) -> Entry | None:
        """The entry as the next report finds it; nothing of it changes."""
        found: list[Entry | None] = []

        async def look(now: Entry | None) -> Written:
            found.append(now)
            return Written("seen")

        assert await store.accept(key(), entry_id, look)
        return found[0]

    async def test_an_entry_is_accepted_once_with_its_event(self) -> None:
        store, command, new = await self.store(), key(), entry()
        decide = becomes(new, papers(), (told(new),))
        assert await store.accept(command, new.entry_id, decide)
        assert not await store.accept(command, new.entry_id, decide)
        assert await self.stands(store, new.entry_id) == new
        assert await store.seen(command) is Seen.SETTLED
        assert await self.told_of(new.entry_id) == [1]

    async def test_an_entry_changes_moves_and_becomes_a_tombstone(self) -> None:
        store, first = await self.store(), entry()
        moved = replace(first, set=EntrySet("87654321", "EMAIL"), version=2)
        gone = replace(moved, cid=None, version=3)
        for state in (first, moved, gone, replace(moved, version=4)):
            kept = None if state.cid is None else papers()
            assert await store.accept(key(), first.entry_id, becomes(state, kept, (told(state),)))
            assert await self.stands(store, first.entry_id) == state
        assert await self.told_of(first.entry_id) == [1, 2, 3, 4]

    async def test_a_number_alone_leaves_the_content(self) -> None:
        store, first = await self.store(), entry()
        await store.accept(key(), first.entry_id, becomes(first, papers()))
        numbered = replace(first, numbers={Source.CORE: 1, Source.DICT: 7})

        async def overtaken(_: Entry | None) -> Written:
            return Written("overtaken", numbered)

        await store.accept(key(), first.entry_id, overtaken)
        assert await self.stands(store, first.entry_id) == numbered

    async def test_a_cid_that_another_entry_has_is_refused(self) -> None:
        store, first = await self.store(), entry()
        await store.accept(key(), first.entry_id, becomes(first, papers()))
        second, command = entry(cid=first.cid), key()
        with pytest.raises(InputRefused, match="cid-already-known"):
            await store.accept(command, second.entry_id, becomes(second, papers()))
        assert await store.seen(command) is Seen.NEW
        assert await self.stands(store, second.entry_id) is None

    async def test_other_content_under_one_id_is_refused(self) -> None:
        store, command, new = await self.store(), key(), entry()
        await store.accept(command, new.entry_id, becomes(new, papers()))
        other = key(b"\x00other", command.command_id)
        with pytest.raises(InputRefused, match="command-id-reused"):
            await store.accept(other, new.entry_id, becomes(new, papers()))
