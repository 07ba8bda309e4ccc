"""vsync-run: whole runs over a set of millions, beside what DICT's buckets alone would take.

The base is imported, DICT's side is generated from the same seed, and DICT is changed behind our
back before each run. Buckets refill faster than Bacen's (`--speed`) and hold as much; the limit of
a run is what its calls would take if nothing but the buckets took time: calls beyond the tokens
that lay in a bucket, by the pace at which it refills.
"""

import argparse
import asyncio
import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from benchmarks.behind_our_back import KEY_TYPE, SEED, Dict, dict_of
from benchmarks.figures import Figure, Report, at_most
from benchmarks.ground import ground
from bridge_simulator.generated_set import GeneratedSet
from bridge_simulator.records import Entry
from devstack.cast import CLAIMER
from tests.support.world import World
from vsync.application.bacen import EVENTS_MAX
from vsync.application.fetch_bacen import LOG_PAGES_MAX
from vsync.application.import_rows import COLUMNS
from vsync.application.sync_process import FILE_OVERLAP

DAY_SECONDS = 86_400
CALLS_MAX = 1.02
LOOK_SECONDS = 0.1
MEBIBYTE = 1 << 20
AS_OF = "2026-01-31T12:00:00Z"
POLICY_OF = {
    "CreateSyncVerification": "SYNC_VERIFICATIONS_WRITE",
    "ListCidEvents": "CIDS_EVENTS_LIST",
    "RequestCidFile": "CIDS_FILES_WRITE",
    "GetCidFile": "CIDS_FILES_READ",
    "GetEntryByCid": "CIDS_ENTRIES_READ",
}
PROCESSES = ("simulator", "vsync", "vsync-worker", "vsync-relay")
LEDGER = (
    "SELECT operation_type, count(*) FILTER (WHERE error_code IS DISTINCT FROM 'RateLimited') "
    "AS served, sum(attempt_count) AS sent FROM connect.bridge_requests GROUP BY operation_type"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--differences", type=_numbers, default=(0, 10, 1_500, 100_000))
    parser.add_argument("--speed", type=int, default=5, help="buckets refill so many times faster")


def measure(given: argparse.Namespace) -> Report:
    """One run after the other, over one base."""
    settings = {
        "DICT_CLAIM_DAY_SECONDS": str(DAY_SECONDS // given.speed),
        "BRIDGE_SIMULATOR_BUCKET_SPEED": str(given.speed),
    }
    with ground(**settings) as world:
        world.start(*PROCESSES)
        with dict_of(world, given.speed) as dict_:
            dict_.generate(given.keys)
            asyncio.run(_import(world, given.keys))
            figures = [
                figure
                for number in given.differences
                for figure in asyncio.run(_run(world, dict_, given.keys, number))
            ]
    return Report(
        "vsync-run",
        tuple(figures),
        (
            f"{given.keys} keys; buckets of Bacen's size that refill {given.speed} times as fast",
            "of the differences three in five are changed keys, one in five each added and removed",
        ),
    )


@dataclass
class _Seen:
    """What was seen while a run went on."""

    before: int
    peak: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)


async def _run(world: World, dict_: Dict, keys: int, number: int) -> list[Figure]:
    began = time.perf_counter()
    by_file = number > EVENTS_MAX * LOG_PAGES_MAX // 2
    differ = await asyncio.to_thread(dict_.change, number, by_file)
    _say(f"{number} changed within {time.perf_counter() - began:.0f} s")
    if by_file:
        await asyncio.sleep(FILE_OVERLAP.total_seconds())  # a file is to judge them, not the log
    tokens = await asyncio.to_thread(dict_.tokens)
    told, seen = await _watched(world)
    run = told["runs"][0]
    assert (run["status"], run["failed"], run["found"]) == ("COMPLETED", 0, differ), run
    asked = seen.calls["GetEntryByCid"]
    limit = max(dict_.seconds(POLICY_OF[it], seen.calls[it], tokens) for it in POLICY_OF)
    name = f"{number} changed"
    figures = [
        Figure(f"{name}: differences", differ, ""),
        Figure(f"{name}: requests", run["requests"], ""),
        Figure(f"{name}: of them refused by a dry bucket", _refused(seen), ""),
        Figure(f"{name}: the run", run["seconds"], "s"),
        Figure(f"{name}: what the buckets alone would take", limit, "s"),
        Figure(f"{name}: worker before", seen.before / MEBIBYTE, "MiB"),
        Figure(f"{name}: worker at most", seen.peak / MEBIBYTE, "MiB"),
        Figure(f"{name}: more memory, by key", max(0, seen.peak - seen.before) / keys, "bytes"),
    ]
    if differ:
        figures.append(
            at_most(f"{name}: GetEntryByCid / differences", asked / differ, "x", CALLS_MAX)
        )
    if limit:
        figures.append(Figure(f"{name}: the run / the buckets", run["seconds"] / limit, "x"))
    return figures


def _refused(seen: _Seen) -> int:
    return (seen.sent - seen.calls).total()


async def _watched(world: World) -> tuple[Any, _Seen]:
    """A run as an operator asks for it; the worker's memory and the calls that left meanwhile."""
    worker = psutil.Process(world.processes["vsync-worker"].process.pid)
    seen, before = _Seen(worker.memory_info().rss), await _calls(world)
    process = await world.start_dictctl(
        "vsync", "run", "--participant", CLAIMER, "--wait", "-o", "json"
    )
    waiting = asyncio.create_task(process.communicate())
    while not waiting.done():
        seen.peak = max(seen.peak, worker.memory_info().rss)
        await asyncio.wait({waiting}, timeout=LOOK_SECONDS)
    told, said = waiting.result()
    assert process.returncode == 0, said.decode()
    served, sent = await _calls(world)
    seen.calls, seen.sent = served - before[0], sent - before[1]
    return json.loads(told), seen


async def _calls(world: World) -> tuple[Counter[str], Counter[str]]:
    """By operation, as our own ledger has them: answered, and sent."""
    connection = await world.connect()
    try:
        rows = await connection.fetch(LEDGER, timeout=600)
    finally:
        await connection.close()
    served = Counter({row["operation_type"]: int(row["served"]) for row in rows})
    return served, Counter({row["operation_type"]: int(row["sent"]) for row in rows})


async def _import(world: World, keys: int) -> None:
    file = world.folder / "base.csv"
    began = time.perf_counter()
    await asyncio.to_thread(_write, file, keys)
    words = ("vsync", "import", str(file), "--as-of", AS_OF, "--why", "benchmark", "-o", "json")
    process = await world.start_dictctl(*words)
    told, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert json.loads(told)["bad"] == 0, told
    file.unlink()
    connection = await world.connect()
    try:
        await connection.execute("VACUUM ANALYZE", timeout=3_600)  # as a night would
    finally:
        await connection.close()
    _say(f"{keys} keys within {time.perf_counter() - began:.0f} s")


def _write(path: Path, keys: int) -> None:
    generated = GeneratedSet(CLAIMER, KEY_TYPE, SEED, keys)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(generated, keys))


def _rows(generated: GeneratedSet, keys: int) -> Iterator[tuple[str, ...]]:
    for index in range(keys):
        yield _row(index, generated.entry(index))


def _row(index: int, entry: Entry) -> tuple[str, ...]:
    account, owner = entry.account, entry.owner
    return (
        str(UUID(int=0xB000_0000_0000 + index)),
        account.participant,
        entry.key_type,
        entry.key,
        owner.tax_id_number,
        owner.name,
        owner.trade_name or "",
        account.branch or "",
        account.account_number,
        account.account_type,
        entry.request_id,
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(it) for it in text.split(","))
