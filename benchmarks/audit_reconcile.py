"""audit-reconcile: `dictctl audit reconcile` over a long time, and its memory meanwhile.

Events are published in batches, which is cheaper than what is measured here, while two sinks write
them; then nothing else runs.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil

from benchmarks.audit_drain import (
    MEBIBYTE,
    MICROSECONDS,
    SECOND_SINK,
    SINK,
    cpu_seconds,
    nothing_waits,
    watching,
)
from benchmarks.audit_events import events
from benchmarks.audit_feed import Feed
from benchmarks.crowd import running
from benchmarks.figures import Figure, Report, at_most, middle
from benchmarks.ground import ground_on, servers
from devstack.parts import postgres
from devstack.stack import Stack
from tests.support.world import World

GROWTH_MAX = 1.1
SAMPLE_SECONDS = 0.5
TENTHS = 10
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """One reconciliation: how long, whose processors, and memory (MiB) at every look."""

    seconds: float
    cpu: dict[str, float]
    rss_mib: list[float]


def arguments(parser: argparse.ArgumentParser) -> None:
    """How long a time."""
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--contents", action=argparse.BooleanOptionalAction, default=True)


def measure(given: argparse.Namespace) -> Report:
    """By ids and times, then with contents."""
    ways: dict[str, Sequence[str]] = {"ids and times": ()}
    if given.contents:
        ways["contents"] = ("--content",)
    with servers() as stack, ground_on(stack) as world:
        told = asyncio.run(_measured(stack, world, given.events, ways))
    return Report(
        "audit-reconcile",
        tuple(
            figure
            for name, of_one in told.items()
            for figure in _figures(name, of_one, given.events)
        ),
        (
            f"{given.events} events, all equal; memory: dictctl's, resident, from its second tenth "
            "of the time on",
        ),
    )


async def _measured(
    stack: Stack, world: World, count: int, ways: Mapping[str, Sequence[str]]
) -> dict[str, Told]:
    since = datetime.now(UTC)
    with running(world, SINK, SECOND_SINK), watching(stack, world, SINK, SECOND_SINK) as watcher:
        await asyncio.to_thread(_publish, world, count, since)
        watcher.until(lambda look: look.rows >= count)
        await nothing_waits(world)
    window = ("--from", since.isoformat(), "--to", (since + DAY).isoformat(), "-o", "json")
    return {
        name: await _reconciled(stack, world, count, *window, *words)
        for name, words in ways.items()
    }


def _publish(world: World, count: int, since: datetime) -> None:
    feed = Feed(world, batching=True)
    try:
        feed.publish(events(count, since))
    finally:
        feed.close()


async def _reconciled(stack: Stack, world: World, count: int, *words: str) -> Told:
    (server,) = [it.pid for it in stack.status() if it.name == postgres.NAME]
    began, server_before = time.perf_counter(), cpu_seconds(server)
    running_ = await world.start_dictctl("audit", "reconcile", *words)
    process, rss_mib, own = psutil.Process(running_.pid), [], 0.0
    answer = asyncio.create_task(running_.communicate())
    while not (await asyncio.wait((answer,), timeout=SAMPLE_SECONDS))[0]:
        try:
            rss_mib.append(process.memory_info().rss / MEBIBYTE)
            own = cpu_seconds(process.pid)
        except psutil.NoSuchProcess:
            break
    stdout, stderr = await answer
    assert running_.returncode == 0, stderr.decode()
    told = json.loads(stdout)
    assert (told["equal"], told["messages"], told["rows"]) == (True, count, count), told
    used = {"dictctl": own, "PostgreSQL": cpu_seconds(server) - server_before}
    return Told(time.perf_counter() - began, used, rss_mib)


def _figures(name: str, told: Told, count: int) -> tuple[Figure, ...]:
    tenth = max(1, len(told.rss_mib) // TENTHS)
    early, late = told.rss_mib[tenth : 2 * tenth] or told.rss_mib, told.rss_mib[-tenth:]
    return (
        Figure(name, count / told.seconds, "events/s"),
        *(
            Figure(f"{name}: processor of {who}", MICROSECONDS * seconds / count, "us/event")
            for who, seconds in told.cpu.items()
        ),
        Figure(f"{name}: memory, peak", max(told.rss_mib), "MiB"),
        at_most(
            f"{name}: memory, last tenth / second tenth",
            middle(late) / middle(early),
            "x",
            GROWTH_MAX,
        ),
    )
