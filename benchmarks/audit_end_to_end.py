"""audit-end-to-end: a sink that drains the broker, against COPY of the same rows.

In turns: COPY; a backlog of good events, one for two sinks, and one with bad messages among them,
each published while no sink runs and then drained by new ones. A rate counts rows until the broker
has nothing left that waits: what became a row is acknowledged, and what did not is a dead letter.
It begins when a tenth is in, so that a process that warms up is not what is measured.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable, Sequence

from benchmarks.audit_bad_events import FOR_EVER, Bad, among
from benchmarks.audit_drain import (
    MICROSECONDS,
    SECOND_SINK,
    SINK,
    Drain,
    cpu_seconds,
    drained,
)
from benchmarks.audit_events import BenchEvent, events
from benchmarks.audit_feed import Feed
from benchmarks.audit_paths import plain_copy
from benchmarks.audit_write import Bench, candidates, open_bench
from benchmarks.figures import Figure, Report, at_least, middle
from benchmarks.ground import ground_on, servers
from devstack.parts import postgres
from devstack.stack import Stack
from tests.support.world import World

WARM_PART = 0.1
BAD_EVERY = 200
"""0.5 %."""
CLEAN, POISONED = "end to end", "end to end, 0.5 % bad"
TWO_SINKS = "end to end, 2 sinks"
Round = dict[str, float]


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)


def measure(given: argparse.Namespace) -> Report:
    """Rounds in turns; ratios within a round, then the median."""
    with servers() as stack, ground_on(stack) as world:
        rounds = asyncio.run(_rounds(stack, world, given.events, given.rounds))

    def ratio(name: str, against: str) -> float:
        return middle([it[name] / it[against] for it in rounds])

    def unit(name: str) -> str:
        return "us/row" if "processor" in name else "rows/s"

    return Report(
        "audit-end-to-end",
        (
            *(Figure(it, middle([one[it] for one in rounds]), unit(it)) for it in rounds[0]),
            at_least(f"{CLEAN} / COPY, 1 connection", ratio(CLEAN, "COPY, 1"), "x", 0.6),
            Figure(f"{CLEAN} / COPY, 2 connections", ratio(CLEAN, "COPY, 2"), "x"),
            Figure(f"{TWO_SINKS} / COPY, 1 connection", ratio(TWO_SINKS, "COPY, 1"), "x"),
            at_least("0.5 % bad / clean", ratio(POISONED, CLEAN), "x", 0.9),
        ),
        (
            f"{given.events} events a round, medians of {given.rounds} rounds; everybody's "
            "processors are the same ones",
        ),
    )


async def _rounds(stack: Stack, world: World, count: int, rounds: int) -> list[Round]:
    async with open_bench(world) as bench:
        return [await _round(stack, bench, count) for _ in range(rounds)]


async def _round(stack: Stack, bench: Bench, count: int) -> Round:
    found: Round = {}
    for at_once in (1, 2):
        found |= await _copied(stack, bench, count, at_once)
    found |= _told(CLEAN, await drain_of(stack, bench, events(count), count), count)
    of_two = await drain_of(stack, bench, events(count), count, (SINK, SECOND_SINK))
    found |= _told(TWO_SINKS, of_two, count)
    bad: list[Bad] = []
    mixed = among(events(count), BAD_EVERY, FOR_EVER, bad)
    found |= _told(POISONED, await drain_of(stack, bench, mixed, count), count)
    return found


async def drain_of(
    stack: Stack,
    bench: Bench,
    sent: Iterable[BenchEvent],
    rows: int,
    sinks: Sequence[str] = (SINK,),
) -> Drain:
    """Publishes into an empty table's topics, then drains them."""
    await bench.empty()
    feed = Feed(bench.world)
    try:
        feed.publish(sent)
    finally:
        feed.close()
    return await drained(stack, bench.world, rows, sinks)


async def _copied(stack: Stack, bench: Bench, count: int, at_once: int) -> Round:
    batches = await candidates(count)
    await bench.empty()
    (server,) = [it.pid for it in stack.status() if it.name == postgres.NAME]
    before = (cpu_seconds(server), time.process_time())
    rate = await bench.rate(plain_copy, batches, at_once)
    used = (cpu_seconds(server) - before[0], time.process_time() - before[1])
    name = f"COPY, {at_once}"
    return {
        name: rate,
        f"{name}: processor of PostgreSQL": MICROSECONDS * used[0] / count,
        f"{name}: processor of its client": MICROSECONDS * used[1] / count,
    }


def _told(name: str, drain: Drain, rows: int) -> Round:
    warm = WARM_PART * rows
    return {name: drain.rate(warm)} | {
        f"{name}: processor of {who}": used for who, used in drain.cpu_of_a_row(warm).items()
    }
