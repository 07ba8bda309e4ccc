"""audit-outage: PostgreSQL is killed under a sink at work, and comes back.

The servers are its own, for nobody else's may be killed. Rows a second before the kill against rows
a second afterwards, each over a few seconds; the recovery ends where the first such time begins in
which the sink is as fast as before, but for a tenth.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence

from benchmarks.audit_drain import Sample, nothing_waits, watching
from benchmarks.audit_events import events
from benchmarks.audit_feed import Feed
from benchmarks.crowd import running
from benchmarks.figures import Figure, Report, at_most, middle
from benchmarks.ground import KILLED, ground_on, servers
from devstack.parts import postgres
from devstack.stack import Stack
from tests.support.world import World

SINK = "sink"
KILL_PART = 0.3
RECOVERY_SECONDS_MAX = 10.0
AS_FAST = 0.9


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much, and how long it is away."""
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--away-seconds", type=float, nargs="+", default=[1.0, 5.0, 30.0])
    parser.add_argument("--over-seconds", type=float, default=2.0, help="a rate is taken over")


def measure(given: argparse.Namespace) -> Report:
    """Each time of being away in a world of its own."""
    figures: list[Figure] = []
    with servers(KILLED) as stack:
        for away in given.away_seconds:
            with ground_on(stack) as world:
                looks, back = asyncio.run(_outage(stack, world, given.events, away))
            figures += _figures(looks, back, away, given.over_seconds)
    return Report(
        "audit-outage",
        tuple(figures),
        (
            f"{given.events} events drained, PostgreSQL killed with kill -9 when "
            f"{KILL_PART:.0%} were in; a rate is taken over {given.over_seconds:g} s",
        ),
    )


async def _outage(
    stack: Stack, world: World, count: int, away: float
) -> tuple[list[Sample], float]:
    """All looks, and when PostgreSQL answered again. Every event stands once afterwards."""
    feed = Feed(world)
    try:
        feed.publish(events(count))
    finally:
        feed.close()
    with running(world, SINK), watching(stack, world, SINK) as watcher:
        looks = watcher.until(lambda look: look.rows >= KILL_PART * count)
        stack.kill(postgres.NAME)
        await asyncio.sleep(away)
        stack.start(postgres.NAME)
        back = time.perf_counter()
        looks += watcher.until(lambda look: look.rows >= count)
        await nothing_waits(world)
    connection = await world.connect()
    stand = await connection.fetchval("SELECT count(DISTINCT event_id) FROM audit.workflow_events")
    rows = await connection.fetchval("SELECT count(*) FROM audit.workflow_events")
    await connection.close()
    assert (rows, stand) == (count, count), "an event is missing or stands twice"
    return looks, back


def _figures(looks: Sequence[Sample], back: float, away: float, over: float) -> list[Figure]:
    before = middle(rates([look for look in looks if look.at < back - away], over))
    after = [look for look in looks if look.at >= back]
    fast = [
        begin.at - back
        for begin, rate in zip(after, rates(after, over), strict=False)
        if rate >= AS_FAST * before
    ]
    name = f"away {away:g} s"
    recovery = fast[0] if fast else after[-1].at - back
    return [
        Figure(f"{name}: before", before, "rows/s"),
        Figure(f"{name}: after, fastest", max(rates(after, over)), "rows/s"),
        at_most(f"{name}: back at 90 % after", recovery, "s", RECOVERY_SECONDS_MAX),
    ]


def rates(looks: Sequence[Sample], over: float) -> list[float]:
    """Rows a second from each look on, over so many seconds; over all of them if they are fewer."""
    found: list[float] = []
    for number, begin in enumerate(looks):
        end = next((look for look in looks[number + 1 :] if look.at - begin.at >= over), None)
        if end is None:
            break
        found.append((end.rows - begin.rows) / (end.at - begin.at))
    if found:
        return found
    first, last = looks[0], looks[-1]
    return [(last.rows - first.rows) / max(1e-9, last.at - first.at)]
