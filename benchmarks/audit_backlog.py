"""audit-backlog: a long backlog at the broker, drained by one sink whose memory stays as it is."""

import argparse
import asyncio

from benchmarks.audit_drain import Drain
from benchmarks.audit_end_to_end import drain_of
from benchmarks.audit_events import events
from benchmarks.audit_write import open_bench
from benchmarks.figures import Figure, Report, at_most, middle
from benchmarks.ground import ground_on, servers
from devstack.stack import Stack
from tests.support.world import World

PARTS = 20
GROWTH_MAX = 1.1


def arguments(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--events", type=int, default=2_000_000)


def measure(given: argparse.Namespace) -> Report:
    """One drain."""
    with servers() as stack, ground_on(stack) as world:
        drain = asyncio.run(_drain(stack, world, given.events))
    curve = rss_curve(drain)
    peak = max(it.rss_mib for it in drain.samples)
    return Report(
        "audit-backlog",
        (
            Figure(f"{given.events} events drained", drain.rate(), "rows/s"),
            *(Figure(f"processor of {who}", us, "us/row") for who, us in _cpu(drain)),
            *(
                Figure(f"sink's memory at {100 * part // PARTS} %", mib, "MiB")
                for part, mib in enumerate(curve, start=1)
            ),
            Figure("sink's memory, peak", peak, "MiB"),
            at_most("memory, last tenth / second tenth", _growth(curve), "x", GROWTH_MAX),
        ),
        ("memory: resident, median of the looks in that twentieth of the rows",),
    )


async def _drain(stack: Stack, world: World, count: int) -> Drain:
    async with open_bench(world) as bench:
        return await drain_of(stack, bench, events(count), count)


def rss_curve(drain: Drain) -> list[float]:
    """MiB in each twentieth of the rows; one that no look fell into is as the one before."""
    rows = drain.acknowledged.rows
    looks: list[list[float]] = [[] for _ in range(PARTS)]
    for sample in (*drain.samples, drain.acknowledged):
        looks[min(PARTS - 1, int(PARTS * sample.rows / rows))].append(sample.rss_mib)
    curve = [drain.samples[0].rss_mib]
    for part in looks:
        curve.append(middle(part) if part else curve[-1])
    return curve[1:]


def _growth(curve: list[float]) -> float:
    tenth = PARTS // 10
    return middle(curve[-tenth:]) / middle(curve[tenth : 2 * tenth])


def _cpu(drain: Drain) -> list[tuple[str, float]]:
    return list(drain.cpu_of_a_row().items())
