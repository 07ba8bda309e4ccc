"""PostgreSQL's base passes the exam of its fake, and keeps what only SQL can: folds and history."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query, load_queries
from tests.support.entry_store_suite import (
    EntryStoreSuite,
    becomes,
    entry,
    key,
    papers,
)
from tests.support.world import make_world
from vsync.adapters.cid_columns import cid_in
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.application.ports import EntryStore
from vsync.domain.cid import toggled, vsync_of
from vsync.domain.entry import EntrySet

_QUERIES = load_queries("vsync.adapters", "entries")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A pool in a world."""
    with (
        make_world(stack, Path(tmp_path_factory.mktemp("entries"))) as world,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        url = world.environment["DICT_POSTGRES_URL"]
        database = await Database.open(url, "vsync", PoolSize(1, 5))
        yield database
        await database.close()


async def vsyncs(database: Database, name: str, participant: str) -> dict[str, tuple[int, bytes]]:
    """Keys and VSync of each set that has some."""
    rows = await database.fetch(_QUERIES[name], (participant,))
    found = {row["key_type"]: (row["keys"], cid_in(row) or b"") for row in rows}
    return {key_type: it for key_type, it in found.items() if it[0]}


class TestPostgresEntryStore(EntryStoreSuite):
    """vsync.entries, vsync.cids, connect.inbox, connect.outbox."""

    @pytest.fixture(autouse=True)
    def _opened(self, opened: Database) -> None:
        self._database = opened

    async def store(self) -> EntryStore:
        """Over PostgreSQL."""
        return PostgresEntryStore(self._database)

    async def told_of(self, entry_id: UUID) -> list[int]:
        """Rows of the outbox."""
        query = Query(
            "told", "SELECT sequence FROM connect.outbox WHERE message_key = $1 ORDER BY sequence"
        )
        return [row["sequence"] for row in await self._database.fetch(query, (str(entry_id),))]

    async def test_folds_follow_every_change_and_equal_the_cids(self) -> None:
        store = await self.store()
        phones, mails = EntrySet("11111111", "PHONE"), EntrySet("22222222", "EMAIL")
        first, second = (replace(entry(), set=phones) for _ in range(2))
        assert first.cid is not None
        assert second.cid is not None
        moved, other = replace(first, set=mails), replace(second, cid=toggled(second.cid, b"\x01"))
        gone = replace(first, set=mails, cid=None)
        expected: list[dict[EntrySet, list[bytes]]] = [
            {phones: [first.cid]},
            {phones: [first.cid, second.cid]},
            {phones: [second.cid], mails: [first.cid]},
            {phones: [other.cid or b""], mails: [first.cid]},
            {phones: [other.cid or b""], mails: [first.cid]},
            {phones: [other.cid or b""]},
        ]
        for state, sets in zip((first, second, moved, other, other, gone), expected, strict=True):
            kept = None if state.cid is None else papers()
            await store.accept(key(), state.entry_id, None, becomes(state, kept))
            for set_ in (phones, mails):
                cids = sets.get(set_, [])
                shown = {set_.key_type: (len(cids), vsync_of(cids))} if cids else {}
                for name in ("folds_of", "vsyncs_of"):
                    assert await vsyncs(self._database, name, set_.participant) == shown

    async def test_history_keeps_every_cid_and_nobody_can_change_it(self) -> None:
        store, first = await self.store(), entry()
        assert first.cid is not None
        second = replace(first, cid=toggled(first.cid, b"\x02"))
        for state in (first, first, second, replace(second, cid=None)):
            kept = None if state.cid is None else papers()
            await store.accept(key(), first.entry_id, None, becomes(state, kept))
        query = Query(
            "history",
            "SELECT event, c1, c2, c3, c4 FROM vsync.cid_history WHERE entry_id = $1 ORDER BY id",
        )
        rows = await self._database.fetch(query, (first.entry_id,))
        assert [(row["event"], cid_in(row)) for row in rows] == [
            ("ADDED", first.cid),
            ("REMOVED", first.cid),
            ("ADDED", second.cid),
            ("REMOVED", second.cid),
        ]
        change = Query("change", "UPDATE vsync.cid_history SET event = 'ADDED'")
        with pytest.raises(Exception, match="permission denied"):
            await self._database.fetch(change)
