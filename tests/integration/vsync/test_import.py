"""An import into PostgreSQL passes the exam of its fake, goes on when killed, and folds right."""

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query, load_queries
from tests.support.bacen_suite import PARTICIPANT
from tests.support.entry_files import PERSONAL, entry_id, row, rows, write_csv
from tests.support.entry_store_suite import becomes, key, papers
from tests.support.import_store_suite import (
    AS_OF,
    LATER,
    Bench,
    ImportStoreSuite,
    core,
)
from tests.support.waiting import until
from tests.support.world import World, make_world
from vsync.adapters.cid_columns import cid_in
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.adapters.postgres_import_store import import_store
from vsync.application.import_entries import ImportStore
from vsync.application.ports import Met, Written
from vsync.domain.cid import vsync_of
from vsync.domain.entry import Entry

_ENTRIES = load_queries("vsync.adapters", "entries")
TRUNCATED = (
    "vsync.entries, vsync.cids, vsync.cid_history, vsync.folds, vsync.imports, vsync.import_chunks,"
    "connect.outbox, connect.subject_aggregates, connect.subject_keys"
)
MANY = 20_000


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Nothing of ours runs in it but what a test types."""
    folder = Path(tmp_path_factory.mktemp("imports"))
    with make_world(stack, folder) as made, pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", made.environment["PGPASSFILE"])
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def opened(world: World) -> AsyncIterator[Database]:
    """A pool, over an empty base."""
    admin = await world.connect()
    await admin.execute(f"TRUNCATE {TRUNCATED}")
    await admin.close()
    database = await Database.open(world.environment["DICT_POSTGRES_URL"], "vsync", PoolSize(1, 5))
    yield database
    await database.close()


async def folded(database: Database, name: str) -> dict[str, tuple[int, bytes]]:
    """Keys and VSync of each set of PARTICIPANT that has some."""
    found = await database.fetch(_ENTRIES[name], (PARTICIPANT,))
    sets = {it["key_type"]: (it["keys"], cid_in(it) or b"") for it in found}
    return {key_type: it for key_type, it in sets.items() if it[0]}


async def fetch(database: Database, sql: str) -> list[tuple[object, ...]]:
    """Rows as tuples."""
    return [tuple(it) for it in await database.fetch(Query("test", sql))]


class PostgresBench:
    """An import's own connection, and the consumer's store beside it."""

    def __init__(self, store: ImportStore, database: Database) -> None:
        self.store = store
        self.database = database
        self.entries = PostgresEntryStore(database)

    async def put(self, entry: Entry) -> None:
        """As the consumer writes it."""
        kept = None if entry.cid is None else papers()
        assert await self.entries.accept(key(), entry.entry_id, None, becomes(entry, kept))

    async def entry(self, id_: UUID) -> Entry | None:
        """As the consumer finds it."""
        found: list[Entry | None] = []

        async def look(now: Met) -> Written:
            found.append(now.entry)
            return Written("seen")

        await self.entries.accept(key(), id_, None, look)
        return found[0]

    async def payloads(self) -> Sequence[bytes]:
        """What the relay will send."""
        found = await self.database.fetch(
            Query("test", "SELECT payload FROM connect.outbox ORDER BY id")
        )
        return [it["payload"] for it in found]


class TestPostgresImports(ImportStoreSuite):
    """Over PostgreSQL."""

    @pytest_asyncio.fixture(autouse=True, loop_scope="session")
    async def _opened(self, world: World, opened: Database) -> AsyncIterator[None]:
        url = world.environment["DICT_POSTGRES_URL"]
        async with import_store(url, "vsync", new_id) as store:
            self._bench = PostgresBench(store, opened)
            yield

    async def bench(self) -> Bench:
        """One for each test."""
        return self._bench

    async def test_folds_equal_the_cids_and_history_tells_each_change(self) -> None:
        bench, database = await self.bench(), self._bench.database
        await bench.put(core(1, LATER))
        await bench.put(core(2, AS_OF, cid=bytes(31) + b"2"))
        await bench.put(core(3, AS_OF, cid=None))
        emails = [row(it, key_type="EMAIL", key=f"a{it}@x.br") for it in range(20, 24)]
        await self.run(bench.store, [*rows(*range(1, 9)), *emails], LATER)
        moved = [row(it, key_type="EMAIL", key=f"p{it}@x.br") for it in range(4, 7)]
        await self.run(bench.store, [*moved, row(7, branch="7"), row(8)], LATER.replace(minute=30))
        recomputed = await folded(database, "vsyncs_of")
        assert await folded(database, "folds_of") == recomputed
        assert {name: keys for name, (keys, _) in recomputed.items()} == {"PHONE": 5, "EMAIL": 7}
        cids = [
            cid_in(it) or b""
            for it in await database.fetch(
                Query("test", "SELECT * FROM vsync.cids WHERE active AND key_type = 'EMAIL'")
            )
        ]
        assert recomputed["EMAIL"][1] == vsync_of(cids)
        history = await fetch(
            database,
            "SELECT event, count(*) FROM vsync.cid_history WHERE source = 'IMPORT' GROUP BY event "
            "ORDER BY event",
        )
        assert history == [("ADDED", 11 + 4), ("REMOVED", 1 + 4)]
        of_seven = await fetch(
            database,
            f"SELECT event FROM vsync.cid_history WHERE entry_id = '{entry_id(7)}' ORDER BY id",
        )
        assert [it[0] for it in of_seven] == ["ADDED", "REMOVED", "ADDED"]

    async def test_subjects_are_linked_and_values_sealed(self) -> None:
        bench, database = await self.bench(), self._bench.database
        await self.run(bench.store, rows(1, 2, 3))
        unlinked = await fetch(
            database,
            "SELECT entry_id FROM vsync.entries AS entry WHERE NOT EXISTS ("
            "SELECT FROM connect.subject_aggregates WHERE type = 'entry' "
            "AND aggregate_id = entry.entry_id::text AND subject_id = entry.subject_id)",
        )
        assert unlinked == []
        dumped = await fetch(database, "SELECT entry::text FROM vsync.entries AS entry")
        dumped += await fetch(database, "SELECT * FROM vsync.import_chunks")
        assert not any(value in repr(dumped) for value in PERSONAL)

    async def test_one_import_at_a_time(self, world: World) -> None:
        bench = await self.bench()
        await self.run(bench.store, rows(1))
        async with import_store(world.environment["DICT_POSTGRES_URL"], "vsync", new_id) as other:
            with pytest.raises(InputRefused, match="import-runs"):
                await other.begin("0" * 64, AS_OF, 3)

    async def test_a_report_waits_for_the_chunk_of_its_entry_and_no_other(self) -> None:
        bench = await self.bench()
        await asyncio.gather(
            self.run(bench.store, rows(*range(1, 60))),
            *(bench.put(core(it, LATER)) for it in range(1, 60, 2)),
        )
        for number in range(1, 60, 2):
            entry = await bench.entry(entry_id(number))
            assert entry is not None
            assert entry.stands.dict_time == LATER
        database = self._bench.database
        assert await folded(database, "folds_of") == await folded(database, "vsyncs_of")


def type_import(world: World, file: Path, *more: str) -> tuple[str, ...]:
    """The verb and its options."""
    at = AS_OF.isoformat()
    return ("vsync", "import", str(file), "--as-of", at, "--why", "ticket 4720", *more)


async def test_an_import_that_is_killed_goes_on(world: World, opened: Database) -> None:
    base = [row(it) for it in range(1, MANY + 1)]
    base[17] = row(18, key="")
    file = write_csv(world.folder / "killed.csv", base)
    process = await world.start_dictctl(*type_import(world, file))

    async def some_written() -> bool:
        return await fetch(opened, "SELECT count(*) FROM vsync.import_chunks") >= [(2,)]

    await until(some_written, "a chunk is written")
    process.kill()
    await process.communicate()
    (done,) = await fetch(opened, "SELECT count(*) FROM vsync.import_chunks")
    assert done < (MANY // 2_000,), "it was at its end before it was killed"
    again = await asyncio.to_thread(world.dictctl, *type_import(world, file))
    assert again.returncode == 1, again.stderr
    assert "1 bad rows were left out" in again.stderr
    with (world.folder / "killed.csv.bad.csv").open(newline="") as report:
        assert list(csv.reader(report)) == [
            ["line", "column", "rule"],
            ["19", "key", "field-missing"],
        ]
    assert await fetch(opened, "SELECT count(*) FROM vsync.entries") == [(MANY - 1,)]
    assert await fetch(opened, "SELECT count(*) FROM connect.outbox") == [(1,)]
    assert await fetch(opened, "SELECT count(*) FROM vsync.import_chunks") == [(MANY // 2_000,)]
    assert await folded(opened, "folds_of") == await folded(opened, "vsyncs_of")
    assert not any(value in again.stdout + again.stderr for value in PERSONAL)


async def test_what_is_typed_wrong_is_said_before_anything_is_done(
    world: World, opened: Database, tmp_path: Path
) -> None:
    good = write_csv(tmp_path / "base.csv", rows(1))
    other = write_csv(tmp_path / "other.csv", rows(1), ("entry_id", *row(1)))
    (tmp_path / "base.txt").write_text("")
    wrong = {
        ("import", str(good), "--as-of", "2026-11-29", "--why", "x"): "--as-of must be a time",
        ("import", str(good), "--as-of", "2126-11-29T00:00:00Z", "--why", "x"): "in the future",
        ("import", str(good), "--as-of", "2026-11-29T00:00:00Z", "--why", "11122233300"): "--why",
        ("import", str(other), "--as-of", "2026-11-29T00:00:00Z", "--why", "x"): "columns must be",
        ("import", str(tmp_path / "base.txt"), "--as-of", "2026-11-29T00:00:00Z", "--why", "x"): (
            "must end in .csv"
        ),
    }
    for words, complaint in wrong.items():
        done = await asyncio.to_thread(world.dictctl, "vsync", *words)
        assert (done.returncode, complaint in done.stderr) == (2, True), done.stderr
    (world.folder / "wrong.jwt").write_text("eyJhbGciOiJub25lIn0.e30.")
    stranger = World(
        world.environment | {"DICT_OPERATOR_TOKEN_FILE": str(world.folder / "wrong.jwt")},
        world.folder,
    )
    done = await asyncio.to_thread(stranger.dictctl, *type_import(world, good))
    assert (done.returncode, "token-invalid" in done.stderr) == (2, True), done.stderr
    assert await fetch(opened, "SELECT count(*) FROM vsync.imports") == [(0,)]


async def test_a_dry_run_says_what_would_be_done(world: World, opened: Database) -> None:
    file = write_csv(world.folder / "dry.csv", rows(1, 2, 3))
    told = await asyncio.to_thread(world.dictctl_json, *type_import(world, file, "--dry-run"))
    assert (told["import_id"], told["rows"], told["created"]) == (None, 3, 3)
    assert await fetch(opened, "SELECT count(*) FROM vsync.entries") == [(0,)]
    told = await asyncio.to_thread(world.dictctl_json, *type_import(world, file))
    assert (told["created"], told["bad"], told["report"]) == (3, 0, None)
    again = await asyncio.to_thread(world.dictctl_json, *type_import(world, file))
    assert again["imported_before"] is not None
    assert again["import_id"] == told["import_id"]
