"""claims-waiting: memory of claims that wait in Temporal, and deadlines that come in one minute.

The day is shortened so that day 30 of the claims falls into the minutes after all are open.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime

import asyncpg
import psutil

from benchmarks.crowd import Member, calls, crowd, publish_all, running, seed
from benchmarks.figures import Figure, Report, at_most, percentile
from benchmarks.ground import ground, servers
from devstack.cast import other_side
from devstack.parts import temporal
from devstack.stack import Stack
from tests.support.world import World

LATE_SECONDS_MAX = 60.0
POLL_SECONDS = 1.0
OPEN_SECONDS_MAX = 3_600.0
CLAIM_DAYS = 30
PROCESSES = ("simulator", "consumer", "worker", "relay")
MEBIBYTE = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many wait, how many end, how long a claim's day lasts for those that end."""
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--ending", type=int, nargs="+", default=[200, 1_000])
    parser.add_argument("--day-seconds", type=int, default=10)
    parser.add_argument("--over-seconds", type=int, default=60, help="how long they are published")


def measure(given: argparse.Namespace) -> Report:
    """Memory first, in a world of real days; then each number of deadlines in one of short days."""
    figures: list[Figure] = []
    with servers() as stack:
        if given.waiting:
            figures += _waiting(stack, given.waiting)
        for number in given.ending:
            figures += _ending(number, given.day_seconds, given.over_seconds)
    return Report(
        "claims-waiting",
        tuple(figures),
        (
            f"{given.waiting} claims wait in real days; those that end have days of "
            f"{given.day_seconds} s, published over {given.over_seconds} s",
        ),
    )


def _waiting(stack: Stack, number: int) -> list[Figure]:
    members = crowd(number)
    with ground() as world, running(world, *PROCESSES):
        seed(world, members)
        before = _rss(stack, world)
        began = time.perf_counter()
        asyncio.run(_opened(world, members))
        seconds = time.perf_counter() - began
        after = _rss(stack, world)
    return [
        Figure(f"{number} claims opened", number / seconds, "claims/s"),
        Figure("worker before", before[0], "MiB"),
        Figure(f"worker with {number} claims", after[0], "MiB"),
        Figure("Temporal before", before[1], "MiB"),
        Figure(f"Temporal with {number} claims", after[1], "MiB"),
    ]


def _ending(number: int, day_seconds: int, over_seconds: int) -> list[Figure]:
    members = crowd(number)
    with (
        ground(DICT_CLAIM_DAY_SECONDS=str(day_seconds)) as world,
        running(world, *PROCESSES),
    ):
        seed(world, members)
        asyncio.run(_spread(world, members, over_seconds))
        late, spread = asyncio.run(_lateness(world, members, day_seconds))
    name = f"{number} deadlines within {over_seconds} s: acted on after"
    slowest = f"{name}, slowest"
    last = (
        at_most(slowest, max(late), "s", LATE_SECONDS_MAX)
        if number <= 200
        else Figure(slowest, max(late), "s")
    )
    return [
        Figure(f"{number} deadlines: from the first to the last", spread, "s"),
        Figure(f"{name}, p50", percentile(late, 50), "s"),
        Figure(f"{name}, p99", percentile(late, 99), "s"),
        last,
    ]


async def _spread(world: World, members: list[Member], seconds: int) -> None:
    began, number = time.perf_counter(), len(members)
    for second in range(seconds):
        await asyncio.sleep(max(0.0, began + second - time.perf_counter()))
        share = members[second * number // seconds : (second + 1) * number // seconds]
        if share:
            await publish_all(world, share)


async def _opened(world: World, members: list[Member]) -> None:
    """Publishes all and waits until each is OPEN at DICT."""
    await publish_all(world, members)
    deadline = time.monotonic() + OPEN_SECONDS_MAX
    connection = await world.connect("operator_ro")
    while await _count(connection, "dict_status IS NOT NULL") < len(members):
        assert time.monotonic() < deadline, "not all claims were opened"
        await asyncio.sleep(POLL_SECONDS)
    await connection.close()


async def _lateness(
    world: World, members: list[Member], day_seconds: int
) -> tuple[list[float], float]:
    """How long after its deadline each claim was cancelled at DICT, by DICT's own ledger; and how
    far the deadlines lay apart."""
    limit = time.monotonic() + OPEN_SECONDS_MAX + CLAIM_DAYS * day_seconds
    connection = await world.connect("operator_ro")
    while await _count(connection, "status = 'CANCELLED'") < len(members):
        assert time.monotonic() < limit, "not all claims were cancelled"
        await asyncio.sleep(POLL_SECONDS)
    rows = await connection.fetch(
        "SELECT dict_claim_id, claimer_deadline FROM workflows.claim_workflows"
    )
    await connection.close()
    with other_side(world.environment) as side:
        cancelled: dict[str, datetime] = {}
        for row in calls(side, "CancelClaim"):
            if row.effective:
                cancelled[row.claim_id] = row.time.ToDatetime(UTC)
    deadlines = [row["claimer_deadline"] for row in rows]
    late = [
        (cancelled[str(row["dict_claim_id"])] - row["claimer_deadline"]).total_seconds()
        for row in rows
    ]
    return late, (max(deadlines) - min(deadlines)).total_seconds()


async def _count(connection: "asyncpg.Connection[asyncpg.Record]", condition: str) -> int:
    query = f"SELECT count(*) FROM workflows.claim_workflows WHERE {condition}"  # noqa: S608 ours
    return int(await connection.fetchval(query))


def _rss(stack: Stack, world: World) -> tuple[float, float]:
    worker = psutil.Process(world.processes["worker"].process.pid).memory_info().rss
    (server,) = [it.rss_bytes for it in stack.status() if it.name == temporal.NAME]
    return (worker / MEBIBYTE, server / MEBIBYTE)
