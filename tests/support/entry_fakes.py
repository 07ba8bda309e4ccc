"""Fakes of vsync's ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.testing.inbox import InMemoryInbox
from vsync.application.ports import Decide, Held, Met, OpenedReview, Papers, Written
from vsync.domain.entry import Entry


@dataclass
class InMemoryEntries(InMemoryInbox):
    """EntryStore over one memory."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    papers: dict[UUID, Papers | None] = field(default_factory=dict)
    events: list[OutgoingEvent] = field(default_factory=list)
    open_reviews: dict[UUID, OpenedReview] = field(default_factory=dict)
    closed_reviews: dict[UUID, str] = field(default_factory=dict)
    hashes: dict[UUID, str] = field(default_factory=dict)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        if self.opened(command, f"rejected:{reason_code}"):
            self.events += events

    async def accept(
        self, command: InboxKey, entry_id: UUID, key_hash: str | None, decide: Decide
    ) -> bool:
        """All of it or nothing."""
        if not await self.first(command):
            return False
        outcome = await self.change(entry_id, key_hash, decide)
        if outcome is None:
            self.undone(command)
            raise InputRefused("cid-already-known", "by another")
        await self.settle(command, outcome)
        return True

    async def change(self, entry_id: UUID, key_hash: str | None, decide: Decide) -> str | None:
        """The outcome; None, and nothing changed, where another entry has the CID."""
        met = Met(self.entries.get(entry_id))
        if key_hash is not None:
            others = [it for it in self.entries.values() if it.entry_id != entry_id]
            met = self._met(met.entry, [it for it in others if self.hash_of(it) == key_hash])
        written = await decide(met)
        if self._held_by_another(written):
            return None
        if met.entry is not None and written.key_hash is not None and not written.stands:
            self.hashes.setdefault(entry_id, written.key_hash)
        for gone in written.retires:
            self._put(Written("", gone.entry, True, None, gone.events, closes=gone.closes))
        self._put(written)
        return written.outcome

    def _put(self, written: Written) -> None:
        entry = written.entry
        if entry is None:
            return
        self.entries[entry.entry_id] = replace(entry, review_id=None) if written.stands else entry
        if written.stands:
            self.papers[entry.entry_id] = written.papers
            key_hash = written.key_hash if written.papers is None else written.papers.key_hash
            if key_hash is not None:
                self.hashes[entry.entry_id] = key_hash
        if written.opens is not None:
            self.open_reviews[written.opens.review_id] = written.opens
            self.events += written.opens.events
        closes = written.closes
        if closes is not None and self.open_reviews.pop(closes.review_id, None) is not None:
            self.closed_reviews[closes.review_id] = closes.action
            self.events += closes.events
        self.events += written.events

    def hash_of(self, entry: Entry) -> str | None:
        """A tombstone keeps it."""
        return self.hashes.get(entry.entry_id)

    def _met(self, entry: Entry | None, others: Sequence[Entry]) -> Met:
        held = [
            Held(it, papers)
            for it in sorted(others, key=lambda it: it.entry_id)
            if it.holds and (papers := self.papers.get(it.entry_id)) is not None
        ]
        ended = [it.stands.dict_time for it in others if not it.holds]
        return Met(entry, held, max(ended, default=None))

    def _held_by_another(self, written: Written) -> bool:
        entry = written.entry
        if entry is None or entry.cid is None:
            return False
        retired = {it.entry.entry_id for it in written.retires}
        return any(
            (it.set, it.cid) == (entry.set, entry.cid)
            and it.entry_id not in {entry.entry_id, *retired}
            for it in self.entries.values()
        )
