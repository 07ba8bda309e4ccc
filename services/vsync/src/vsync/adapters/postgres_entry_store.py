"""EntryStore over PostgreSQL: inbox row, entry, CID, fold, reviews and events commit together."""

from collections.abc import Mapping
from dataclasses import astuple
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
from vsync.application.ports import (
    ClosedReview,
    Decide,
    Held,
    Met,
    OpenedReview,
    Papers,
    Written,
)
from vsync.domain.entry import Entry

_QUERIES = load_queries("vsync.adapters", "entries")


class PostgresEntryStore(PostgresCommandInbox):
    """The consumer's side of the base."""

    async def accept(
        self, command: InboxKey, entry_id: UUID, key_hash: str | None, decide: Decide
    ) -> bool:
        """One transaction, in which nobody else writes this entry, or one of this key."""
        try:
            async with self._database.transaction() as connection:
                if not await first(connection, command):
                    return False
                caused_by = command.command_id
                outcome = await change(connection, entry_id, key_hash, caused_by, decide)
                await settle(connection, command, outcome)
        except asyncpg.UniqueViolationError as error:
            if not cid_is_taken(error):
                raise
            raise InputRefused(
                "cid-already-known",
                "another entry has this CID, so the same key, owner, account and RequestId: report "
                "under its entry_id, or report that one DELETED first",
            ) from error
        return True


def cid_is_taken(error: asyncpg.UniqueViolationError) -> bool:
    """Another entry of the set has the CID, and stands."""
    return bool(error.constraint_name == "uq_cids_active")


async def change(
    connection: Connection, entry_id: UUID, key_hash: str | None, caused_by: UUID, decide: Decide
) -> str:
    """What `decide` makes of an entry, written with all that follows; answers its outcome.

    Within the caller's transaction, to whose end nobody else writes the entry.
    """
    if key_hash is not None:
        await timed_fetch(connection, _QUERIES["key_lock"], (key_hash,))
    held = await _locked(connection, entry_id)
    met = Met(None if held is None else held.entry)
    if key_hash is not None:
        met = await _beside(connection, entry_id, met, key_hash)
    written = await decide(met)
    if written.key_hash is not None and not written.stands:
        await timed_fetch(connection, _QUERIES["entry_key"], (entry_id, written.key_hash))
    versions = {it.entry_id: it.version for it in (met.entry, *met.known.others) if it is not None}
    for gone in written.retires:
        retired = Written("", gone.entry, True, None, gone.events, closes=gone.closes)
        await _write(connection, retired, versions, caused_by)
    await _write(connection, written, versions, caused_by)
    return written.outcome


async def _beside(connection: Connection, entry_id: UUID, met: Met, key_hash: str) -> Met:
    rows = await timed_fetch(connection, _QUERIES["entry_others"], (key_hash, entry_id))
    others = [await _locked(connection, row["entry_id"]) for row in rows]
    (ended,) = await timed_fetch(connection, _QUERIES["key_ended"], (key_hash, entry_id))
    # One that was deleted while its lock was waited for holds nothing any more.
    held = [it for it in others if it is not None and it.entry.holds]
    return Met(met.entry, held, ended["ended_at"])


async def _locked(connection: Connection, entry_id: UUID) -> Held | None:
    await timed_fetch(connection, _QUERIES["entry_lock"], (entry_id,))
    rows = await timed_fetch(connection, _QUERIES["entry_load"], (entry_id,))
    if not rows:
        return None
    papers = Papers(*(rows[0][name] for name in ("key_hash", "sealed", "subject_id")))
    return Held(entry_in(entry_id, rows[0]), papers)


async def _write(
    connection: Connection, written: Written, versions: Mapping[UUID, int], caused_by: UUID
) -> None:
    entry = written.entry
    if entry is None:
        return
    if written.stands:
        await write_content(connection, entry, written.papers, caused_by, written.key_hash)
    elif written.opens is not None:
        await _exclude(connection, entry, written.opens, caused_by)
    else:
        await timed_fetch(
            connection, _QUERIES["entry_numbers"], (entry.entry_id, numbers_of(entry))
        )
    if written.closes is not None:
        await _close(connection, written.closes)
    await outbox.insert(connection, written.events, versions.get(entry.entry_id, 0))


async def write_content(
    connection: Connection,
    entry: Entry,
    papers: Papers | None,
    caused_by: UUID,
    key_hash: str | None = None,
) -> None:
    """An entry whose content stands from now on, or a tombstone, with `key_hash` if that is known:
    with CID, history and fold."""
    await timed_fetch(
        connection,
        _QUERIES["entry_write"],
        (
            entry.entry_id,
            entry.set.participant,
            entry.set.key_type,
            entry.cid is not None,
            *((key_hash, None, None) if papers is None else astuple(papers)),
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
