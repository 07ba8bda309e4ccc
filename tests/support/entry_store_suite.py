"""The exam that EntryStore passes, fake and adapter alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
    Held,
    Met,
    OpenedReview,
    Papers,
    Retired,
    Written,
)
from vsync.domain.entry import Entry, EntrySet, excluded, retired
from vsync.domain.precedence import Report, Source

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
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

    async def met(self, store: EntryStore, entry_id: UUID, key_hash: str) -> Met:
        """What the next report of it meets; nothing changes."""
        found: list[Met] = []

        async def look(now: Met) -> Written:
            found.append(now)
            return Written("seen")

        assert await store.accept(key(), entry_id, key_hash, look)
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

    async def test_others_of_the_key_are_met_with_their_papers_and_give_it_up(self) -> None:
        store, key_hash = await self.store(), uuid4().hex * 2
        made = replace(entry(), numbers={Source.DICT: 1})
        kept = replace(papers(), key_hash=key_hash)
        await store.accept(key(), made.entry_id, None, becomes(made, kept))
        ours = replace(entry(), cid=made.cid)
        met: list[Met] = []

        async def decide(now: Met) -> Written:
            met.append(now)
            gone = retired(now.others[0].entry)
            gives = Retired(gone, (told(gone),))
            return Written("created", ours, True, papers(), (told(ours),), (gives,))

        await store.accept(key(), ours.entry_id, key_hash, decide)
        assert met == [Met(None, [Held(made, kept)])]
        assert await self.stands(store, ours.entry_id) == ours
        assert await self.stands(store, made.entry_id) == retired(made)
        assert len(await self.told_of(made.entry_id)) == 1

    async def test_entries_of_another_key_are_not_met(self) -> None:
        store, key_hash = await self.store(), uuid4().hex * 2
        await store.accept(key(), uuid4(), None, becomes(entry(), papers()))
        assert await self.met(store, uuid4(), key_hash) == Met(None, [], None)

    async def test_another_entry_of_the_key_may_be_written_instead(self) -> None:
        store, key_hash, it = await self.store(), uuid4().hex * 2, entry()
        kept = replace(papers(), key_hash=key_hash)
        await store.accept(key(), it.entry_id, None, becomes(it, kept, (told(it),)))
        after = replace(it, cid=uuid4().bytes * 2, version=2)
        decide = becomes(after, kept, (told(after),))
        await store.accept(key(), uuid4(), key_hash, decide)
        assert await self.stands(store, it.entry_id) == after
        assert await self.told_of(it.entry_id) == [1, 2]

    async def test_a_tombstone_keeps_its_key(self) -> None:
        store, it, key_hash = await self.store(), entry(), uuid4().hex * 2
        kept = replace(papers(), key_hash=key_hash)
        assert (await self.met(store, uuid4(), key_hash)).ended_at is None
        await store.accept(key(), it.entry_id, None, becomes(it, kept))
        assert (await self.met(store, uuid4(), key_hash)).ended_at is None
        gone = replace(it, cid=None, stands=Report(Source.CORE, 2, NOON + HOUR), version=2)
        await store.accept(key(), it.entry_id, None, becomes(gone))
        assert await self.met(store, uuid4(), key_hash) == Met(None, [], NOON + HOUR)
        assert await self.met(store, it.entry_id, key_hash) == Met(gone, [], None)

    async def test_a_tombstone_may_learn_its_key(self) -> None:
        store, key_hash, gone = await self.store(), uuid4().hex * 2, replace(entry(), cid=None)
        await store.accept(key(), gone.entry_id, None, becomes(gone))

        async def learn(_: Met) -> Written:
            return Written("seen", key_hash=key_hash)

        await store.accept(key(), gone.entry_id, key_hash, learn)
        assert (await self.met(store, uuid4(), key_hash)).ended_at == NOON
        assert await self.stands(store, gone.entry_id) == gone

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
