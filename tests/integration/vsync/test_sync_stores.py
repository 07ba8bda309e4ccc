"""Runs, findings and corrections over PostgreSQL."""

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query, load_queries
from dict_common.telemetry import metrics
from tests.support.entry_store_suite import becomes, key
from tests.support.sync_store_suite import (
    MISSING_LOCAL,
    NOON,
    Stores,
    SyncStoreSuite,
    a_run,
    a_set,
    an_entry,
    discrepancy,
    end_of,
)
from tests.support.world import make_world
from vsync.adapters.postgres_corrections import PostgresCorrections
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.adapters.postgres_findings import PostgresFindings
from vsync.adapters.postgres_runs import PostgresRuns
from vsync.adapters.sync_gauges import SyncGauges
from vsync.domain.entry import EntrySet

SQL_FILES = ("entries", "runs", "findings")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A pool in a world."""
    with (
        make_world(stack, Path(tmp_path_factory.mktemp("sync"))) as world,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        url = world.environment["DICT_POSTGRES_URL"]
        database = await Database.open(url, "vsync", PoolSize(1, 5))
        yield database
        await database.close()


class TestPostgresSync(SyncStoreSuite):
    """workflows.vsync_workflows, and the tables of schema vsync."""

    @pytest.fixture(autouse=True)
    def _opened(self, opened: Database, tmp_path: Path) -> None:
        self._database, self._folder = opened, tmp_path

    async def stores(self) -> Stores:
        """Over PostgreSQL."""
        return Stores(
            PostgresEntryStore(self._database),
            PostgresRuns(self._database),
            PostgresFindings(self._database, self._folder),
            PostgresCorrections(self._database),
        )

    async def told_of(self, aggregate_id: UUID) -> int:
        """Rows of the outbox."""
        query = Query("told", "SELECT sequence FROM connect.outbox WHERE message_key = $1")
        return len(await self._database.fetch(query, (str(aggregate_id),)))

    async def test_a_fold_that_differs_is_told_and_put_right(self) -> None:
        stores, of = await self.stores(), a_set()
        entry, papers = an_entry(of)
        await stores.entries.accept(key(), entry.entry_id, None, becomes(entry, papers))
        spoil = Query(
            "spoil", "UPDATE vsync.folds SET c1 = c1 + 1, keys = 9 WHERE participant = $1"
        )
        await self._database.fetch(spoil, (of.participant,))
        first, second = [await stores.runs.local_vsync(of) for _ in range(2)]
        assert (first.fold_differed, first.keys, first.vsync) == (True, 1, entry.cid)
        assert (second.fold_differed, second.vsync) == (False, entry.cid)

    async def test_a_dead_run_of_the_set_is_over_when_the_next_begins(self) -> None:
        stores, of = await self.stores(), a_set()
        dead, other, later = a_run(of), a_run(a_set()), a_run(of)
        for run in (dead, other, later):
            await stores.runs.start(run, None, ())
        query = Query(
            "ends", "SELECT status, reason_code FROM workflows.vsync_workflows WHERE id = $1"
        )
        ends = [
            tuple((await self._database.fetch(query, (run.run_id,)))[0])
            for run in (dead, other, later)
        ]
        assert ends == [("FAILED", "run-died"), ("RUNNING", None), ("RUNNING", None)]

    async def test_a_whole_run_is_over_when_one_begins_a_day_later(self) -> None:
        stores, of = await self.stores(), a_set()
        first, beside, later = (
            replace(a_run(of), key_type=None, started_at=NOON + age)
            for age in (timedelta(0), timedelta(hours=23), timedelta(hours=25))
        )
        for run in (first, beside, later):
            await stores.runs.start(run, None, ())
        query = Query("ends", "SELECT status FROM workflows.vsync_workflows WHERE id = $1")
        ends = [
            (await self._database.fetch(query, (run.run_id,)))[0]["status"]
            for run in (first, beside, later)
        ]
        assert ends == ["FAILED", "RUNNING", "RUNNING"]

    async def test_requests_are_those_of_the_ledger(self) -> None:
        stores, of = await self.stores(), a_set()
        run, other = a_run(of), a_run(of)
        for it in (run, other):
            await stores.runs.start(it, None, ())
        call = Query(
            "call",
            "INSERT INTO connect.bridge_requests (request_id, workflow_id, workflow_run_id, "
            "operation_type, request_payload, request_hash, attempt_count) "
            "VALUES ($1, $2, $3::uuid, 'CreateSyncVerification', '{}', 'x', $4)",
        )
        for it, attempts in ((run, 1), (run, 3), (other, 9)):
            arguments = (str(uuid4()), it.workflow_id, it.workflow_run_id, attempts)
            await self._database.fetch(call, arguments)
        result = await stores.runs.report(end_of(run), uuid4())
        assert result.requests == 4
        whole = replace(a_run(of), key_type=None, workflow_id=f"vsync-{of.participant}-day-1")
        await stores.runs.start(whole, None, ())
        summed = await stores.runs.report(end_of(whole, parts=[run.run_id]), uuid4())
        assert summed.requests == 4

    async def test_old_versions_are_forgotten_and_their_rows_stay(self) -> None:
        stores, of = await self.stores(), a_set()
        run = a_run(of)
        await self.found(stores, run, *(discrepancy(it, MISSING_LOCAL) for it in (1, 2)))
        age = Query(
            "age",
            "UPDATE vsync.discrepancies SET remote_sealed = 's', "
            "found_at = now() - (2 - number) * interval '9 days' WHERE run_id = $1",
        )
        await self._database.fetch(age, (run.run_id,))
        corrections = PostgresCorrections(self._database)
        await corrections.forget_versions(timedelta(days=8), 1_000)
        query = Query(
            "left",
            "SELECT remote_sealed FROM vsync.discrepancies WHERE run_id = $1 ORDER BY number",
        )
        rows = await self._database.fetch(query, (run.run_id,))
        assert [row["remote_sealed"] for row in rows] == [None, b"s"]

    async def test_who_was_proven_longest_ago_gets_the_last_file(self) -> None:
        stores, fresh, old = await self.stores(), a_set(), a_set()
        for of, age in ((fresh, 1), (old, 9)):
            proof = a_run(of)
            await stores.runs.start(proof, None, ())
            query = Query(
                "proof",
                "UPDATE workflows.vsync_workflows SET status = 'COMPLETED', "
                "verified_at = now() - $2::int * interval '1 day' WHERE id = $1",
            )
            await self._database.fetch(query, (proof.run_id, age))
        runs = {of: a_run(of) for of in (fresh, old)}
        for run in runs.values():
            await stores.runs.start(run, None, ())
        used = Query("used", "SELECT count(*) AS count FROM vsync.cid_files")
        (row,) = await self._database.fetch(used)
        others = Query(
            "others",
            "UPDATE workflows.vsync_workflows SET status = 'COMPLETED' WHERE id <> ALL($1::uuid[])",
        )
        await self._database.fetch(others, ([run.run_id for run in runs.values()],))
        last = row["count"] + 1
        assert not await stores.runs.file_granted(runs[fresh], last)
        assert await stores.runs.file_granted(runs[old], last)
        assert await stores.runs.file_granted(runs[fresh], last + 1)

    async def test_gauges_tell_the_age_of_a_proof_and_what_waits(self) -> None:
        stores, proven, never = await self.stores(), a_set(), a_set()
        for of, ok in ((proven, True), (never, False)):
            run = a_run(of)
            await stores.runs.start(run, None, ())
            local = await stores.runs.local_vsync(of)
            await stores.runs.verified(run.run_id, local, ok, local.at if ok else None)
        await SyncGauges(self._database).look()

        def age(of: EntrySet) -> float:
            value = metrics.REGISTRY.get_sample_value(
                "vsync_proof_age_seconds",
                {"participant": of.participant, "key_type": of.key_type},
            )
            assert value is not None
            return value

        assert 0 <= age(proven) < 600
        assert age(never) == math.inf
        assert metrics.REGISTRY.get_sample_value("vsync_reviews_overdue") == 0

    @pytest.mark.parametrize("name", SQL_FILES)
    async def test_every_statement_is_one_to_postgresql(self, name: str) -> None:
        async with self._database.connection() as connection:
            for query in load_queries("vsync.adapters", name).values():
                await connection.prepare(query.sql)
