"""EntryStore over PostgreSQL: inbox row, entry, CID, fold, reviews and events commit together."""

from uuid import UUID

import asyncpg

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.store import outbox
from dict_common.store.database import Connection, timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first, settle
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import columns_of
from vsync.adapters.entry_rows import entry_in, numbers_of
from vsync.application.ports import ClosedReview, Decide, Met, OpenedReview, Papers, Written
from vsync.domain.entry import Entry

_QUERIES = load_queries("vsync.adapters", "entries")
NO_PAPERS = (None, None, None)
TRIES_MAX = 3
"""An entry that a repair makes at this moment is a twin at the next look."""


class PostgresEntryStore(PostgresCommandInbox):
    """The consumer's side of the base."""

    async def entry_of(self, key_hash: str) -> UUID | None:
        """That stands, else that waits for a person."""
        row = await self._database.fetch_row(_QUERIES["entry_of_key"], (key_hash,))
        return None if row is None else row["entry_id"]

    async def accept(
        self, command: InboxKey, entry_id: UUID, key_hash: str | None, decide: Decide
    ) -> bool:
        """One transaction, in which nobody else writes this entry."""
        for _ in range(TRIES_MAX):
            try:
                async with self._database.transaction() as connection:
                    if not await first(connection, command):
                        return False
                    caused_by = command.command_id
                    outcome = await change(connection, entry_id, key_hash, caused_by, decide)
                    await settle(connection, command, outcome)
                return True
            except asyncpg.UniqueViolationError as error:
                if not cid_is_taken(error):
                    raise
        raise InputRefused(
            "cid-already-known",
            "another entry has this CID, so the same key, owner, account and RequestId: report "
            "under its entry_id, or report that one DELETED first",
        )


def cid_is_taken(error: asyncpg.UniqueViolationError) -> bool:
    """Another entry of the set has the CID, and stands."""
    return bool(error.constraint_name == "uq_cids_active")


async def change(
    connection: Connection, entry_id: UUID, key_hash: str | None, caused_by: UUID, decide: Decide
) -> str:
    """What `decide` makes of an entry, written with all that follows; answers its outcome.

    Within the caller's transaction, to whose end nobody else writes the entry.
    """
    before = await _locked(connection, entry_id)
    twin = None
    if not _stands(before) and key_hash is not None:
        rows = await timed_fetch(connection, _QUERIES["entry_twin"], (key_hash, entry_id))
        twin = await _locked(connection, rows[0]["entry_id"]) if rows else None
    written = await decide(Met(before, twin))
    if written.retires is not None:
        gone = Written("retired", written.retires.entry, True, None, written.retires.events)
        await _write(connection, gone, twin, caused_by)
    await _write(connection, written, before, caused_by)
    return written.outcome


def _stands(entry: Entry | None) -> bool:
    return entry is not None and (entry.cid is not None or entry.review_id is not None)


async def _locked(connection: Connection, entry_id: UUID) -> Entry | None:
    await timed_fetch(connection, _QUERIES["entry_lock"], (entry_id,))
    rows = await timed_fetch(connection, _QUERIES["entry_load"], (entry_id,))
    return entry_in(entry_id, rows[0]) if rows else None


async def _write(
    connection: Connection, written: Written, before: Entry | None, caused_by: UUID
) -> None:
    entry = written.entry
    if entry is None:
        return
    if written.stands:
        await write_content(connection, entry, written.papers, caused_by)
    elif written.opens is not None:
        await _exclude(connection, entry, written.opens, caused_by)
    else:
        await timed_fetch(
            connection, _QUERIES["entry_numbers"], (entry.entry_id, numbers_of(entry))
        )
    if written.closes is not None:
        await _close(connection, written.closes)
    await outbox.insert(connection, written.events, 0 if before is None else before.version)


async def write_content(
    connection: Connection, entry: Entry, papers: Papers | None, caused_by: UUID
) -> None:
    """An entry whose content stands from now on, or a tombstone: with CID, history and fold."""
    await timed_fetch(
        connection,
        _QUERIES["entry_write"],
        (
            entry.entry_id,
            entry.set.participant,
            entry.set.key_type,
            entry.cid is not None,
            *_papers(papers),
            numbers_of(entry),
            entry.stands.source,
            entry.stands.number,
            entry.stands.dict_time,
            entry.version,
            caused_by,
            *columns_of(entry.cid),
        ),
    )


async def _exclude(
    connection: Connection, entry: Entry, review: OpenedReview, caused_by: UUID
) -> None:
    await timed_fetch(
        connection,
        _QUERIES["entry_exclude"],
        (entry.entry_id, review.review_id, entry.version, review.opened_at, caused_by),
    )
    await timed_fetch(
        connection,
        _QUERIES["review_open"],
        (
            review.review_id,
            entry.entry_id,
            entry.set.participant,
            entry.set.key_type,
            review.key_encrypted,
            review.key_hash,
            review.reason,
            review.opened_at,
            review.run_id,
            review.cid,
            review.decide_by,
        ),
    )
    await outbox.insert(connection, review.events, 0)


async def _close(connection: Connection, review: ClosedReview) -> None:
    rows = await timed_fetch(
        connection, _QUERIES["review_close"], (review.review_id, review.action, review.at)
    )
    if rows:
        await outbox.insert(connection, review.events, rows[0]["version"] - 1)


def _papers(papers: Papers | None) -> tuple[str | None, bytes | None, UUID | None]:
    return NO_PAPERS if papers is None else (papers.key_hash, papers.sealed, papers.subject_id)
