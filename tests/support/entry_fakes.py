"""Fakes of vsync's ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.testing.inbox import InMemoryInbox
from vsync.application.ports import Decide, Met, OpenedReview, Papers, Written
from vsync.domain.entry import Entry


@dataclass
class InMemoryEntries(InMemoryInbox):
    """EntryStore over one memory."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    papers: dict[UUID, Papers | None] = field(default_factory=dict)
    events: list[OutgoingEvent] = field(default_factory=list)
    open_reviews: dict[UUID, OpenedReview] = field(default_factory=dict)
    closed_reviews: dict[UUID, str] = field(default_factory=dict)

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

    async def entry_of(self, key_hash: str) -> UUID | None:
        """That stands, else that waits for a person."""
        known = [
            it
            for it in self.entries.values()
            if (it.cid is not None or it.review_id is not None)
            and (papers := self.papers.get(it.entry_id)) is not None
            and papers.key_hash == key_hash
        ]
        known.sort(key=lambda it: (it.cid is None, it.entry_id))
        return known[0].entry_id if known else None

    async def change(self, entry_id: UUID, key_hash: str | None, decide: Decide) -> str | None:
        """The outcome; None, and nothing changed, where another entry has the CID."""
        before = self.entries.get(entry_id)
        stands = before is not None and (before.cid is not None or before.review_id is not None)
        twin = None if stands else self._twin(entry_id, key_hash)
        written = await decide(Met(before, twin))
        if self._held_by_another(written):
            return None
        if written.retires is not None:
            self._put(Written("", written.retires.entry, True, None, written.retires.events))
        self._put(written)
        return written.outcome

    def _put(self, written: Written) -> None:
        entry = written.entry
        if entry is None:
            return
        self.entries[entry.entry_id] = replace(entry, review_id=None) if written.stands else entry
        if written.stands:
            self.papers[entry.entry_id] = written.papers
        if written.opens is not None:
            self.open_reviews[written.opens.review_id] = written.opens
            self.events += written.opens.events
        closes = written.closes
        if closes is not None and self.open_reviews.pop(closes.review_id, None) is not None:
            self.closed_reviews[closes.review_id] = closes.action
            self.events += closes.events
        self.events += written.events

    def _twin(self, entry_id: UUID, key_hash: str | None) -> Entry | None:
        return next(
            (
                it
                for it in self.entries.values()
                if it.entry_id != entry_id
                and it.made_up
                and (it.cid is not None or it.review_id is not None)
                and (papers := self.papers.get(it.entry_id)) is not None
                and papers.key_hash == key_hash
            ),
            None,
        )

    def _held_by_another(self, written: Written) -> bool:
        entry = written.entry
        if entry is None or entry.cid is None:
            return False
        retired = None if written.retires is None else written.retires.entry.entry_id
        return any(
            (it.set, it.cid) == (entry.set, entry.cid)
            and it.entry_id not in (entry.entry_id, retired)
            for it in self.entries.values()
        )
