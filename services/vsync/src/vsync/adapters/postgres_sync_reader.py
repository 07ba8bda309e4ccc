"""SyncReader over PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from dict_common.kernel.ids import rejection_id
from dict_common.store.database import Database
from dict_common.store.queries import load_queries
from vsync.adapters.cid_columns import cid_in, columns_of
from vsync.application.sync_console import (
    Row,
    WantedDiscrepancies,
    WantedReviews,
    WantedRuns,
)
from vsync.domain.cid import EMPTY_VSYNC

_QUERIES = load_queries("vsync.adapters", "console")
_FOUR = ("c1", "c2", "c3", "c4")


class PostgresSyncReader:
    """Reads as the role that the database was opened with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(self, wanted: WantedRuns, limit: int) -> list[Row]:
        """The newest first."""
        it = wanted
        chosen = (it.participant, it.key_type, it.status, it.id, it.number, it.since, it.until)
        return await self._rows("runs", *chosen, it.of_sets, limit)

    async def sets(self) -> list[Row]:
        """Those that were proven longest ago first."""
        rows = await self._database.fetch(_QUERIES["sets"])
        return [
            _without(dict(row), _FOUR) | {"vsync": (cid_in(row) or EMPTY_VSYNC).hex()}
            for row in rows
        ]

    async def discrepancies(self, wanted: WantedDiscrepancies, limit: int) -> list[Row]:
        """The newest run's first."""
        runs = None if wanted.runs is None else list(wanted.runs)
        hashes = None if wanted.key_hashes is None else list(wanted.key_hashes)
        return await self._rows("discrepancies", runs, wanted.entry_id, hashes, limit)

    async def cid_history(self, entries: Sequence[UUID], cids: Sequence[bytes]) -> list[Row]:
        """Oldest first."""
        arguments = (list(entries), *_columns(cids))
        rows = await self._database.fetch(_QUERIES["cid_history"], arguments)
        return [_without(dict(row), ("id", *_FOUR)) | {"cid": cid_in(row)} for row in rows]

    async def refused_reports(
        self, entries: Sequence[UUID], since: datetime | None, until: datetime
    ) -> list[Row]:
        """As the audit has them."""
        return await self._rows("refused_reports", [str(it) for it in entries], since, until)

    async def command(self, consumer: str, command_id: UUID) -> Row | None:
        """By the inbox."""
        rows = await self._rows("command", consumer, command_id)
        if not rows:
            return None
        told = str(rejection_id(consumer, command_id, rows[0]["fingerprint"]))
        details = await self._rows("refusal", told)
        return {
            "outcome": rows[0]["outcome"],
            "detail": details[0]["detail"] if details else None,
        }

    async def reviews(self, wanted: WantedReviews, limit: int) -> list[Row]:
        """Open ones first."""
        it = wanted
        return await self._rows("reviews", it.id, it.status, it.resolved_too, it.overdue_at, limit)

    async def whose(self, cids: Sequence[bytes]) -> dict[bytes, Row]:
        """The entry that has each CID now, or had it last."""
        rows = await self._database.fetch(_QUERIES["entries_of_cids"], _columns(cids))
        return {cid_in(row) or b"": _without(dict(row), _FOUR) for row in rows}

    async def _rows(self, query: str, *arguments: object) -> list[Row]:
        return [dict(row) for row in await self._database.fetch(_QUERIES[query], arguments)]


def _columns(cids: Sequence[bytes]) -> tuple[list[int | None], ...]:
    rows = [columns_of(cid) for cid in cids]
    return tuple([row[at] for row in rows] for at in range(4))


def _without(row: Row, names: Sequence[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}
