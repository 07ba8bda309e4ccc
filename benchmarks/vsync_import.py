"""vsync-import: `dictctl vsync import` of a base that is new, told again, and only looked at.

The verb as an operator types it: its start, the file's digest and its processes are in the time.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Report
from benchmarks.ground import ground
from tests.support.entry_files import Row, row, write_csv
from tests.support.world import World

NEW, AGAIN = "2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"
WAYS = {
    "a new base": ("--as-of", NEW),
    "looked at (--dry-run)": ("--as-of", AGAIN, "--dry-run"),
    "told again, later": ("--as-of", AGAIN),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=0, help="0: as many as it takes by itself")


def measure(given: argparse.Namespace) -> Report:
    """One way after the other, on one base."""
    with ground() as world:
        file = write_csv(world.folder / "base.csv", islice(_rows(), given.rows))
        more = ("--workers", str(given.workers)) if given.workers else ()
        told = {
            name: _seconds(world, file, (*way, *more), given.rows) for name, way in WAYS.items()
        }
        megabytes = file.stat().st_size / 1_000_000
    return Report(
        "vsync-import",
        tuple(
            figure
            for name, (seconds, cpu) in told.items()
            for figure in (
                Figure(name, given.rows / seconds, "rows/s"),
                Figure(f"{name}: dictctl's processors", cpu * 1_000_000 / given.rows, "µs/row"),
            )
        ),
        (f"{given.rows} rows, {megabytes:.0f} MB of CSV, a person for three keys",),
    )


def _rows() -> Iterator[Row]:
    number = 0
    while True:
        number += 1
        yield row(number)


def _seconds(world: World, file: Path, way: tuple[str, ...], rows: int) -> tuple[float, float]:
    """By the clock, and of processors: dictctl's and its workers', not PostgreSQL's."""
    begin, cpu = time.perf_counter(), _cpu()
    told = asyncio.run(_typed(world, "vsync", "import", str(file), "--why", "benchmark", *way))
    seconds, cpu = time.perf_counter() - begin, _cpu() - cpu
    assert (told["rows"], told["bad"]) == (rows, 0), told
    return seconds, cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _typed(world: World, *words: str) -> Any:
    process = await world.start_dictctl(*words, "-o", "json")
    told, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return json.loads(told)
