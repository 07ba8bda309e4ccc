"""ReviewStore over PostgreSQL."""

from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.store import outbox
from dict_common.store.database import Connection, timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first
from dict_common.store.queries import load_queries
from vsync.adapters.entry_rows import entry_in
from vsync.adapters.postgres_entry_store import write_content
from vsync.application.review_ports import Decide, InReview, ReviewWritten
from vsync.application.telling import DECIDE_WITHIN
from vsync.domain.review import Review, ReviewStatus

_REVIEWS = load_queries("vsync.adapters", "reviews")
_ENTRIES = load_queries("vsync.adapters", "entries")


class PostgresReviews(PostgresCommandInbox):
    """Reviews and their entries."""

    async def look(self, review_id: UUID) -> InReview | None:
        """As they are."""
        async with self._database.transaction() as connection:
            found = await _load(connection, review_id)
        return None if found is None else found[0]

    async def decide(self, command: InboxKey, review_id: UUID, decide: Decide) -> bool:
        """One transaction; the inbox row stays open until what was decided is handed over."""
        async with self._database.transaction() as connection:
            if not await first(connection, command):
                return False
            await _change(connection, review_id, command.command_id, decide)
        return True

    async def change(self, review_id: UUID, caused_by: UUID, decide: Decide) -> None:
        """One transaction."""
        async with self._database.transaction() as connection:
            await _change(connection, review_id, caused_by, decide)


async def _change(connection: Connection, review_id: UUID, caused_by: UUID, decide: Decide) -> None:
    met = await _load(connection, review_id)
    if met is None:
        raise InputRefused("review-unknown", "no review of this id: dictctl review list")
    await timed_fetch(connection, _ENTRIES["entry_lock"], (met[0].entry.entry_id,))
    await timed_fetch(connection, _REVIEWS["review_lock"], (review_id,))
    found = await _load(connection, review_id)
    assert found is not None, "reviews are never deleted"
    before, version = found
    written = await decide(before)
    if written is not None:
        await _write(connection, before, written, version, caused_by)


async def _load(connection: Connection, review_id: UUID) -> tuple[InReview, int] | None:
    rows = await timed_fetch(connection, _REVIEWS["review_load"], (review_id,))
    if not rows:
        return None
    row = rows[0]
    (entry,) = await timed_fetch(connection, _ENTRIES["entry_load"], (row["entry_id"],))
    review = Review(
        review_id,
        row["entry_id"],
        ReviewStatus(row["status"]),
        row["reviewed_by"],
        row["keeps"],
    )
    known = entry_in(row["entry_id"], entry)
    return (
        InReview(
            review, known, row["cid"], row["opened_at"], row["sealed"], row["keep_request_id"]
        ),
        row["version"],
    )


async def _write(
    connection: Connection, before: InReview, written: ReviewWritten, version: int, caused_by: UUID
) -> None:
    review = written.review
    opened_at = None if written.reason is None else written.at
    await timed_fetch(
        connection,
        _REVIEWS["review_write"],
        (
            review.review_id,
            review.status,
            review.reviewed_by,
            written.at,
            review.keeps,
            written.request_id,
            list(written.decided_by) or None,
            written.reason,
            len({it.ordinal for it in written.review_events}),
            _action(written),
            None if opened_at is None else opened_at + DECIDE_WITHIN,
        ),
    )
    if written.entry is not None:
        await write_content(connection, written.entry, written.papers, caused_by)
    await outbox.insert(connection, written.entry_events, before.entry.version)
    await outbox.insert(connection, written.review_events, version)
    await outbox.insert(connection, written.others, 0)


def _action(written: ReviewWritten) -> str:
    return "DELETED" if written.papers is None else "KEPT"
