"""claims-simulation: whole claims under random schedules, each judged against Bacen's rules."""

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from benchmarks.figures import Figure, Report
from tests.support.claim_seeds import Tally, play_range

BITE = 500
"""Seeds that one process takes at a time: progress, and memory given back."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which seeds, on how many processes."""
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--seed", "--from", dest="first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)


def measure(given: argparse.Namespace) -> Report:
    """Plays the seeds; failures are told with the command that shows each alone."""
    began = time.monotonic()
    tally = Tally()
    for part in _parts(given):
        tally.add(part)
        print(  # noqa: T201
            f"{tally.schedules:,} schedules, {len(tally.failures)} wrong, "
            f"{time.monotonic() - began:,.0f} s",
            file=sys.stderr,
        )
        if part.failures:
            print(part.report(), file=sys.stderr)  # noqa: T201
    seconds = time.monotonic() - began
    figures = [
        Figure("schedules", tally.schedules, ""),
        Figure("wrong", len(tally.failures), "", "0", not tally.failures),
        Figure("schedules a second", tally.schedules / seconds, "1/s"),
        Figure("processor time a schedule", 1e3 * tally.seconds / tally.schedules, "ms"),
        *(Figure(name, count, "") for name, count in sorted(tally.counts.items())),
        *(Figure(f"ended {name}", count, "") for name, count in sorted(tally.ends.items())),
    ]
    last = given.first + given.schedules - 1
    notes = (f"seeds {given.first} to {last}, {given.processes} processes", tally.report())
    return Report("claims-simulation", tuple(figures), notes)


def _parts(given: argparse.Namespace) -> Iterator[Tally]:
    end = given.first + given.schedules
    bites = [(first, min(first + BITE, end)) for first in range(given.first, end, BITE)]
    if given.processes == 1 or len(bites) == 1:
        yield from (play_range(*bite) for bite in bites)
        return
    with ProcessPoolExecutor(given.processes) as pool:
        for done in as_completed([pool.submit(play_range, *bite) for bite in bites]):
            yield done.result()
