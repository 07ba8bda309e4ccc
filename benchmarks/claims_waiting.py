"""claims-waiting: memory of claims that wait in Temporal, and deadlines that come in one minute.

Days are real ones: a shortened day shortens the monitors' polls too, and those of a thousand claims
would be what is measured. DICT moves the claims' dates instead, so that day 30 of all of them falls
into one minute, and their workflows are woken to see it before.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import psutil

from benchmarks.crowd import Member, calls, crowd, publish_all, running, seed
from benchmarks.figures import Figure, Report, at_most, percentile
from benchmarks.ground import ground, servers
from claim_orchestrator.application.claim_process import CLAIM_STATUS_SIGNAL, workflow_id
from claim_orchestrator.domain.deadlines import CLAIMER_DAYS_AFTER_RESOLUTION, Calendar
from devstack.cast import other_side
from devstack.connections import DAY_SECONDS
from devstack.parts import temporal
from devstack.stack import Stack
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.world import World

LATE_SECONDS_MAX = 60.0
POLL_SECONDS = 1.0
OPEN_SECONDS_MAX = 3_600.0
AHEAD_SECONDS, AHEAD_SECONDS_EACH = 20.0, 0.2
"""From when dates are moved to the first deadline: for all workflows to see theirs."""
SIGNALS_AT_ONCE = 50
PROCESSES = ("simulator", "consumer", "worker", "relay")
MEBIBYTE = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many wait, how many end, and within what time."""
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--ending", type=int, nargs="+", default=[200, 1_000])
    parser.add_argument("--over-seconds", type=int, default=60, help="how far deadlines lie apart")


def measure(given: argparse.Namespace) -> Report:
    """Memory first; then each number of deadlines, in a world of its own."""
    figures: list[Figure] = []
    with servers() as stack:
        if given.waiting:
            figures += _waiting(stack, given.waiting)
        for number in given.ending:
            figures += _ending(number, given.over_seconds)
    return Report(
        "claims-waiting",
        tuple(figures),
        (
            f"{given.waiting} claims wait in real days; the deadlines of those that end lie "
            f"within {given.over_seconds} s",
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


def _ending(number: int, over_seconds: int) -> list[Figure]:
    members = crowd(number)
    with ground() as world, running(world, *PROCESSES):
        seed(world, members)
        asyncio.run(_opened(world, members))
        asyncio.run(_moved(world, number, over_seconds))
        late, spread = asyncio.run(_lateness(world, members))
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


async def _moved(world: World, number: int, over_seconds: int) -> None:
    """DICT moves the dates, and every workflow has seen it before the first deadline."""
    connection = await world.connect("operator_ro")
    rows = await connection.fetch("SELECT claim_id, dict_claim_id FROM workflows.claim_workflows")
    first = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS + number * AHEAD_SECONDS_EACH)
    calendar = Calendar(DAY_SECONDS)
    with other_side(world.environment) as side:
        for place, row in enumerate(rows):
            deadline = first + timedelta(seconds=over_seconds * place / number)
            jump = control_pb2.JumpClaimRequest(claim_id=str(row["dict_claim_id"]))
            jump.resolution_period_end.FromDatetime(
                deadline - calendar.days(CLAIMER_DAYS_AFTER_RESOLUTION)
            )
            await asyncio.to_thread(side.control.JumpClaim, jump)
    client = await world.temporal()
    for at in range(0, number, SIGNALS_AT_ONCE):
        await asyncio.gather(
            *(
                client.get_workflow_handle(workflow_id(row["claim_id"])).signal(CLAIM_STATUS_SIGNAL)
                for row in rows[at : at + SIGNALS_AT_ONCE]
            )
        )
    seen = "claimer_deadline < now() + interval '1 day'"
    while await _count(connection, seen) < number:
        assert datetime.now(UTC) < first, "the first deadline came before all dates were seen"
        await asyncio.sleep(POLL_SECONDS)
    await connection.close()


async def _opened(world: World, members: list[Member]) -> None:
    """Publishes all and waits until each is OPEN at DICT."""
    await publish_all(world, members)
    deadline = time.monotonic() + OPEN_SECONDS_MAX
    connection = await world.connect("operator_ro")
    while await _count(connection, "dict_status IS NOT NULL") < len(members):
        assert time.monotonic() < deadline, "not all claims were opened"
        await asyncio.sleep(POLL_SECONDS)
    await connection.close()


async def _lateness(world: World, members: list[Member]) -> tuple[list[float], float]:
    """How long after its deadline each claim was cancelled at DICT, by DICT's own ledger; and how
    far the deadlines lay apart."""
    limit = time.monotonic() + OPEN_SECONDS_MAX
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
