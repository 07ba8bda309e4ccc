"""ReviewStore over the memory of the entries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.entry_fakes import InMemoryEntries
from vsync.application.review_ports import Decide, InReview, ReviewWritten
from vsync.domain.review import Review, ReviewStatus


@dataclass
class InMemoryReviews:
    """Reviews that runs have opened, and what became of them."""

    base: InMemoryEntries
    rows: dict[UUID, Review] = field(default_factory=dict)
    cids: dict[UUID, bytes] = field(default_factory=dict)
    opened_at: dict[UUID, datetime] = field(default_factory=dict)
    request_ids: dict[UUID, UUID] = field(default_factory=dict)
    reasons: dict[UUID, str] = field(default_factory=dict)
    others: list[OutgoingEvent] = field(default_factory=list)

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows."""
        return await self.base.seen(command)

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """Done."""
        await self.base.settle(command, outcome)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        await self.base.reject(command, reason_code, events)

    async def look(self, review_id: UUID) -> InReview | None:
        """As they are."""
        self._meet()
        review = self.rows.get(review_id)
        if review is None:
            return None
        entry = self.base.entries[review.entry_id]
        papers = self.base.papers.get(review.entry_id)
        return InReview(
            review,
            entry,
            self.cids[review_id],
            self.opened_at[review_id],
            None if papers is None else papers.sealed,
            self.request_ids.get(review_id),
        )

    async def decide(self, command: InboxKey, review_id: UUID, decide: Decide) -> bool:
        """All of it or nothing."""
        if not await self.base.first(command):
            return False
        try:
            await self.change(review_id, command.command_id, decide)
        except InputRefused:
            self.base.undone(command)
            raise
        return True

    async def change(self, review_id: UUID, caused_by: UUID, decide: Decide) -> None:
        """All of it."""
        del caused_by
        found = await self.look(review_id)
        if found is None:
            raise InputRefused("review-unknown", "no such review")
        written = await decide(found)
        if written is not None:
            self._write(written)

    def _write(self, written: ReviewWritten) -> None:
        review = written.review
        self.rows[review.review_id] = review
        if written.request_id is not None:
            self.request_ids[review.review_id] = written.request_id
        if written.reason is not None:
            self.reasons[review.review_id] = written.reason
        if written.entry is not None:
            self.base.entries[written.entry.entry_id] = written.entry
            self.base.papers[written.entry.entry_id] = written.papers
        if review.status is ReviewStatus.RESOLVED:
            self.base.open_reviews.pop(review.review_id, None)
        self.base.events += [*written.entry_events, *written.review_events]
        self.others += written.others

    def _meet(self) -> None:
        """What runs have opened and reports have closed."""
        for review_id, opened in self.base.open_reviews.items():
            if review_id not in self.rows:
                entry = next(it for it in self.base.entries.values() if it.review_id == review_id)
                self.rows[review_id] = Review(review_id, entry.entry_id, ReviewStatus.PENDING)
                self.cids[review_id] = opened.cid
                self.opened_at[review_id] = opened.opened_at
        for review_id in self.base.closed_reviews:
            if review_id in self.rows:
                old = self.rows[review_id]
                self.rows[review_id] = Review(
                    review_id, old.entry_id, ReviewStatus.RESOLVED, old.reviewed_by, old.keeps
                )
