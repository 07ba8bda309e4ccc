"""EntryStore over PostgreSQL: inbox row, entry, CID, fold and events commit together."""

from uuid import UUID

import asyncpg

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.store import outbox
from dict_common.store.database import Connection, Row, timed_fetch
from dict_common.store.inbox import PostgresCommandInbox, first, settle
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import cid_in, columns_of
from vsync.application.ports import Decide, Papers, Written
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.precedence import Report, Source

_QUERIES = load_queries("vsync.adapters", "entries")
NO_PAPERS = (None, None, None)


class PostgresEntryStore(PostgresCommandInbox):
    """The consumer's side of the base."""

    async def accept(self, command: InboxKey, entry_id: UUID, decide: Decide) -> bool:
        """One transaction, in which nobody else writes this entry."""
        try:
            async with self._database.transaction() as connection:
                if not await first(connection, command):
                    return False
                await timed_fetch(connection, _QUERIES["entry_lock"], (entry_id,))
                rows = await timed_fetch(connection, _QUERIES["entry_load"], (entry_id,))
                before = _entry(entry_id, rows[0]) if rows else None
                written = await decide(before)
                await _write(connection, command, written)
                await outbox.insert(
                    connection, written.events, 0 if before is None else before.version
                )
                await settle(connection, command, written.outcome)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "uq_cids_active":
                raise
            raise InputRefused(
                "cid-already-known",
                "another entry has this CID, so the same key, owner, account and RequestId: report "
                "under its entry_id, or report that one DELETED first",
            ) from None
        return True


async def _write(connection: Connection, command: InboxKey, written: Written) -> None:
    entry = written.entry
    if entry is None:
        return
    if not written.stands:
        await timed_fetch(connection, _QUERIES["entry_numbers"], (entry.entry_id, _numbers(entry)))
        return
    await timed_fetch(
        connection,
        _QUERIES["entry_write"],
        (
            entry.entry_id,
            entry.set.participant,
            entry.set.key_type,
            entry.cid is not None,
            *_papers(written.papers),
            _numbers(entry),
            entry.stands.source,
            entry.stands.number,
            entry.stands.dict_time,
            entry.version,
            command.command_id,
            *columns_of(entry.cid),
        ),
    )


def _papers(papers: Papers | None) -> tuple[str | None, bytes | None, UUID | None]:
    return NO_PAPERS if papers is None else (papers.key_hash, papers.sealed, papers.subject_id)


def _numbers(entry: Entry) -> dict[str, int]:
    return {str(source): number for source, number in entry.numbers.items()}


def _entry(entry_id: UUID, row: Row) -> Entry:
    return Entry(
        entry_id=entry_id,
        set=EntrySet(row["participant"], row["key_type"]),
        cid=cid_in(row),
        stands=Report(Source(row["source"]), row["number"], row["dict_time"]),
        numbers={Source(name): number for name, number in row["numbers"].items()},
        version=row["version"],
    )
