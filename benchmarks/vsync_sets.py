"""vsync-sets: VSyncs, differences and CIDs of a set of millions, each against its limit in one run.

The set's CIDs are random, as HMACs are. The difference is taken as a run takes it: our side copied
out of PostgreSQL, DICT's from a file of lines; against it stands the same question in SQL: DICT's
side loaded (from a prepared binary file, in no time of the loader's) and joined.
"""

import argparse
import asyncio
import hmac
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import numpy as np

from benchmarks.figures import Figure, Report, at_least, at_most, middle
from benchmarks.ground import ground
from bridge_simulator.generated_set import GeneratedSet
from dict_common.store.database import Database, PoolSize
from tests.support.world import World
from vsync.adapters.postgres_findings import PostgresFindings
from vsync.adapters.postgres_runs import PostgresRuns
from vsync.application.compare_entries import compared
from vsync.domain.cid import CID_BYTES, CidAttributes, cid_of
from vsync.domain.entry import EntrySet

VSYNC_MAX, DIFFERENCE_MAX, BYTES_MAX, CIDS_MIN = 2.5, 0.20, 60.0, 0.85
OF = EntrySet("12345678", "PHONE")
ROWS_AT_ONCE = 100_000
COLUMNS = ("entry_id", "participant", "key_type", "c1", "c2", "c3", "c4", "active")
Cids = Any


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--differences", type=int, default=1_500, help="on each side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cids", type=int, default=200_000, help="computed for CIDs a second")


def measure(given: argparse.Namespace) -> Report:
    """One base for all."""
    with ground() as world:
        figures = asyncio.run(_sets(world, given))
    notes = (f"{given.keys} keys, {given.differences} differences on each side",)
    return Report("vsync-sets", (*figures, *_cids(given.cids, given.rounds)), notes)


async def _sets(world: World, given: argparse.Namespace) -> tuple[Figure, ...]:
    random = np.random.default_rng(17)
    ours = random.integers(0, 256, (given.keys, CID_BYTES), np.uint8)
    theirs = ours.copy()
    theirs[: given.differences] = random.integers(0, 256, (given.differences, CID_BYTES), np.uint8)
    file, binary = world.folder / "theirs", world.folder / "theirs.copy"
    _write_lines(file, theirs)
    _write_copy(binary, theirs)
    connection = await world.connect()
    try:
        await _fill(connection, ours)
        url = world.environment["DICT_POSTGRES_URL"]
        database = await Database.open(url, "vsync", PoolSize(1, 2))
        try:
            counted = await _vsync(connection, PostgresRuns(database), given.rounds)
            findings = PostgresFindings(database, world.folder)
            return counted + await _difference(
                connection, findings, (file, binary), given.keys, given.differences
            )
        finally:
            await database.close()
    finally:
        await connection.close()


async def _fill(connection: "asyncpg.Connection[Any]", cids: Cids) -> None:
    numbers = cids.view(">i8").reshape(-1, 4)
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        await connection.copy_records_to_table(
            "cids",
            schema_name="vsync",
            columns=COLUMNS,
            records=[
                (uuid4(), OF.participant, OF.key_type, *map(int, four), True)
                for four in numbers[start : start + ROWS_AT_ONCE]
            ],
        )
    await connection.execute("VACUUM ANALYZE vsync.cids")


async def _vsync(
    connection: "asyncpg.Connection[Any]", runs: PostgresRuns, rounds: int
) -> tuple[Figure, ...]:
    async def count() -> None:
        await connection.fetchval("SELECT count(*) FROM vsync.cids")

    async def vsync() -> None:
        await runs.local_vsync(OF)

    ways: dict[str, Callable[[], Awaitable[None]]] = {"count": count, "vsync": vsync}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):  # the first one warms up
        for name, way in ways.items():
            taken[name].append(await _seconds(way))
    seconds = {name: middle(times[1:]) for name, times in taken.items()}
    return (
        Figure("VSync of the set", seconds["vsync"], "s"),
        at_most("against count(*)", seconds["vsync"] / seconds["count"], "x", VSYNC_MAX),
    )


async def _difference(
    connection: "asyncpg.Connection[Any]",
    findings: PostgresFindings,
    files: tuple[Path, Path],
    keys: int,
    differences: int,
) -> tuple[Figure, ...]:
    lines, binary = files

    async def ours() -> None:
        async with findings.local_cids(OF) as reading:
            found = await asyncio.to_thread(compared, reading, lines)
        assert len(found.only_local) == len(found.only_remote) == differences

    async def sql() -> None:
        await connection.execute("CREATE TEMP TABLE theirs (c1 INT8, c2 INT8, c3 INT8, c4 INT8)")
        await connection.copy_to_table("theirs", source=binary, format="binary", timeout=3_600)
        await connection.execute("ANALYZE theirs")
        found = await connection.fetchval(
            "SELECT count(*) FROM (SELECT * FROM vsync.cids WHERE participant = $1 AND "
            "key_type = $2 AND active) AS ours FULL JOIN theirs USING (c1, c2, c3, c4) "
            "WHERE ours.entry_id IS NULL OR theirs.ctid IS NULL",
            OF.participant,
            OF.key_type,
            timeout=3_600,
        )
        assert found == 2 * differences
        await connection.execute("DROP TABLE theirs")

    taken = {"ours": [], "sql": []}  # type: dict[str, list[float]]
    for _ in range(2):
        taken["ours"].append(await _seconds(ours))
        taken["sql"].append(await _seconds(sql))
    tracemalloc.start()
    await ours()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    seconds = {name: min(times) for name, times in taken.items()}
    return (
        Figure("difference, as a run takes it", seconds["ours"], "s"),
        Figure("load and SQL FULL JOIN", seconds["sql"], "s"),
        at_most("against SQL", seconds["ours"] / seconds["sql"], "x", DIFFERENCE_MAX),
        at_most("memory at most", peak / keys, "bytes/key", BYTES_MAX),
    )


def _cids(count: int, rounds: int) -> tuple[Figure, ...]:
    made = list(islice(_attributes(), count))
    messages = [(id_.bytes, "&".join(it).encode()) for id_, it in made]
    digest, ours = [], []
    for _ in range(rounds):
        begin = time.process_time()
        for key, message in messages:
            hmac.digest(key, message, "sha256")
        between = time.process_time()
        for id_, it in made:
            cid_of(id_, it)
        ours.append(time.process_time() - between)
        digest.append(between - begin)
    return (
        Figure("CIDs a second and core", count / middle(ours), "/s"),
        at_least("against hmac.digest alone", middle(digest) / middle(ours), "x", CIDS_MIN),
    )


def _attributes() -> Iterator[tuple[UUID, CidAttributes]]:
    generated, index = GeneratedSet(OF.participant, OF.key_type, 17, 1), 0
    while True:
        entry = generated.entry(index)
        index += 1
        yield (
            UUID(entry.request_id),
            CidAttributes(
                key_type=entry.key_type,
                key=entry.key,
                tax_id=entry.owner.tax_id_number,
                name=entry.owner.name,
                trade_name=entry.owner.trade_name or "",
                participant=entry.account.participant,
                branch=entry.account.branch or "",
                account_number=entry.account.account_number,
                account_type=entry.account.account_type,
            ),
        )


def _write_lines(path: Path, cids: Cids) -> None:
    with path.open("wb") as target:
        for start in range(0, len(cids), ROWS_AT_ONCE):
            piece = cids[start : start + ROWS_AT_ONCE]
            target.write(b"".join(row.tobytes().hex().encode() + b"\n" for row in piece))


def _write_copy(path: Path, cids: Cids) -> None:
    row = np.dtype(
        [("fields", ">i2"), *((f"{at}", [("n", ">i4"), ("v", "S8")]) for at in range(4))]
    )
    with path.open("wb") as target:
        target.write(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
        for start in range(0, len(cids), ROWS_AT_ONCE):
            piece = np.ascontiguousarray(cids[start : start + ROWS_AT_ONCE])
            rows = np.zeros(len(piece), row)
            rows["fields"] = 4
            for at in range(4):
                rows[f"{at}"]["n"] = 8
                rows[f"{at}"]["v"] = np.ascontiguousarray(piece[:, at * 8 : at * 8 + 8]).view("S8")[
                    :, 0
                ]
            target.write(rows.tobytes())
        target.write(b"\xff\xff")


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin
