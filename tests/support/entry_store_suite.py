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
from vsync.application.ports import (
    ClosedReview,
    Decide,
    EntryStore,
    Met,
    OpenedReview,
    Papers,
    Retired,
    Written,
)
from vsync.domain.entry import Entry, EntrySet, excluded, retired
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

    async def decide(_: Met) -> Written:
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

        async def look(now: Met) -> Written:
            found.append(now.entry)
            return Written("seen")

        assert await store.accept(key(), entry_id, None, look)
        return found[0]

    async def test_an_entry_is_accepted_once_with_its_event(self) -> None:
        store, command, new = await self.store(), key(), entry()
        decide = becomes(new, papers(), (told(new),))
        assert await store.accept(command, new.entry_id, None, decide)
        assert not await store.accept(command, new.entry_id, None, decide)
        assert await self.stands(store, new.entry_id) == new
        assert await store.seen(command) is Seen.SETTLED
        assert await self.told_of(new.entry_id) == [1]

    async def test_an_entry_changes_moves_and_becomes_a_tombstone(self) -> None:
        store, first = await self.store(), entry()
        moved = replace(first, set=EntrySet("87654321", "EMAIL"), version=2)
        gone = replace(moved, cid=None, version=3)
        for state in (first, moved, gone, replace(moved, version=4)):
            kept = None if state.cid is None else papers()
            assert await store.accept(
                key(), first.entry_id, None, becomes(state, kept, (told(state),))
            )
            assert await self.stands(store, first.entry_id) == state
        assert await self.told_of(first.entry_id) == [1, 2, 3, 4]

    async def test_a_number_alone_leaves_the_content(self) -> None:
        store, first = await self.store(), entry()
        await store.accept(key(), first.entry_id, None, becomes(first, papers()))
        numbered = replace(first, numbers={Source.CORE: 1, Source.DICT: 7})

        async def overtaken(_: Met) -> Written:
            return Written("overtaken", numbered)

        await store.accept(key(), first.entry_id, None, overtaken)
        assert await self.stands(store, first.entry_id) == numbered

    async def test_a_cid_that_another_entry_has_is_refused(self) -> None:
        store, first = await self.store(), entry()
        await store.accept(key(), first.entry_id, None, becomes(first, papers()))
        second, command = entry(cid=first.cid), key()
        with pytest.raises(InputRefused, match="cid-already-known"):
            await store.accept(command, second.entry_id, None, becomes(second, papers()))
        assert await store.seen(command) is Seen.NEW
        assert await self.stands(store, second.entry_id) is None

    async def test_other_content_under_one_id_is_refused(self) -> None:
        store, command, new = await self.store(), key(), entry()
        await store.accept(command, new.entry_id, None, becomes(new, papers()))
        other = key(b"\x00other", command.command_id)
        with pytest.raises(InputRefused, match="command-id-reused"):
            await store.accept(other, new.entry_id, None, becomes(new, papers()))

    async def test_a_twin_that_was_made_up_gives_its_key_to_the_entry_of_core(self) -> None:
        store, key_hash = await self.store(), uuid4().hex * 2
        made = replace(entry(), numbers={Source.DICT: 1})
        await store.accept(
            key(), made.entry_id, key_hash, becomes(made, replace(papers(), key_hash=key_hash))
        )
        ours = replace(entry(), cid=made.cid)
        met: list[Met] = []

        async def decide(now: Met) -> Written:
            met.append(now)
            assert now.twin is not None
            gone = retired(now.twin)
            return Written(
                "created", ours, True, papers(), (told(ours),), Retired(gone, (told(gone),))
            )

        await store.accept(key(), ours.entry_id, key_hash, decide)
        assert met == [Met(None, made)]
        assert await self.stands(store, ours.entry_id) == ours
        assert await self.stands(store, made.entry_id) == retired(made)
        assert len(await self.told_of(made.entry_id)) == 1

    async def test_an_entry_of_another_key_or_told_of_by_core_is_no_twin(self) -> None:
        store, key_hash = await self.store(), uuid4().hex * 2
        for made, its_hash in (
            (entry(), key_hash),
            (replace(entry(), numbers={Source.DICT: 1}), uuid4().hex * 2),
            (replace(entry(cid=None), cid=None, numbers={Source.DICT: 1}), key_hash),
        ):
            kept = None if made.cid is None else replace(papers(), key_hash=its_hash)
            await store.accept(key(), made.entry_id, None, becomes(made, kept))
        met: list[Met] = []

        async def look(now: Met) -> Written:
            met.append(now)
            return Written("seen")

        await store.accept(key(), uuid4(), key_hash, look)
        assert met == [Met(None)]

    async def test_an_entry_goes_into_review_and_a_report_that_stands_ends_it(self) -> None:
        store, first = await self.store(), entry()
        assert first.cid is not None
        await store.accept(key(), first.entry_id, None, becomes(first, papers(), (told(first),)))
        review_id, cid = uuid4(), first.cid
        waiting = excluded(first, review_id)
        opens = OpenedReview(
            review_id, b"sealed", "h" * 64, cid, uuid4(), "MISSING_BACEN", NOON, NOON, ()
        )

        async def exclude(_: Met) -> Written:
            return Written("IN_REVIEW", waiting, events=(told(waiting),), opens=opens)

        await store.accept(key(), first.entry_id, None, exclude)
        assert await self.stands(store, first.entry_id) == waiting
        back = replace(first, version=3)
        closes = ClosedReview(review_id, "SUPERSEDED", NOON, ())

        async def restore(_: Met) -> Written:
            return Written("updated", back, True, papers(), (told(back),), closes=closes)

        await store.accept(key(), first.entry_id, None, restore)
        assert await self.stands(store, first.entry_id) == back
        assert await self.told_of(first.entry_id) == [1, 2, 3]
