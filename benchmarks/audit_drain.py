"""Sinks at work, watched from outside: rows, memory, and everybody's processor time."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

from devstack.parts import postgres, pulsar
from devstack.stack import Stack
from dict_common.bus.backlog import Backlogs, open_admin
from tests.support.processes import OwnProcess
from tests.support.world import World

SINK, SECOND_SINK = "sink", "second-sink"
SUBSCRIPTION = "audit-sink.events"
SAMPLE_SECONDS = 0.25
ACKNOWLEDGED_POLL_SECONDS = 0.05
DRAIN_SECONDS_MAX = 7_200.0
ADMIN_SECONDS = 30.0
MEBIBYTE = 1 << 20
MICROSECONDS = 1_000_000
_NUMBERS = re.compile(
    r"^(audit_sink_rows_total|audit_sink_batch_seconds_(?:sum|count)) (\S+)$", re.MULTILINE
)


@dataclass(frozen=True)
class Sample:
    """One look, at all sinks together.

    `at`: seconds of a monotonic clock; `cpu`: seconds since each began.
    """

    at: float
    rows: float
    batches: float
    batch_seconds: float
    rss_mib: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Drain:
    """From the first look to the moment when the broker has nothing left that waits.

    `start`: before the sink's process began. Where the looks came too late for what is asked, its
    start counts too: a rate is then too low, never too high.
    """

    start: Sample
    samples: tuple[Sample, ...]
    acknowledged: Sample

    def rate(self, warm_rows: float = 0) -> float:
        """Rows a second, acknowledged, from when so many were in."""
        begin = self._begin(warm_rows)
        return (self.acknowledged.rows - begin.rows) / (self.acknowledged.at - begin.at)

    def cpu_of_a_row(self, warm_rows: float = 0) -> dict[str, float]:
        """Microseconds of a processor, by who used them."""
        begin, end = self._begin(warm_rows), self.acknowledged
        rows = end.rows - begin.rows
        return {who: MICROSECONDS * (end.cpu[who] - begin.cpu[who]) / rows for who in end.cpu}

    @property
    def batch_seconds(self) -> float:
        """Of a batch, from received to committed, on average."""
        return self.acknowledged.batch_seconds / max(1.0, self.acknowledged.batches)

    def _begin(self, warm_rows: float) -> Sample:
        warm = (it for it in self.samples if warm_rows <= it.rows < self.acknowledged.rows)
        return next(warm, self.start)


@dataclass(frozen=True)
class Watcher:
    """Looks at sinks, the broker and PostgreSQL."""

    stack: Stack
    sinks: tuple[OwnProcess, ...]
    client: httpx.Client

    def look(self) -> Sample:
        """Blocks."""
        numbers: dict[str, float] = defaultdict(float)
        for sink in self.sinks:
            text = self.client.get(f"http://{sink.address}/metrics").text
            for name, value in _NUMBERS.findall(text):
                numbers[name] += float(value)
        of_sinks = [psutil.Process(sink.process.pid) for sink in self.sinks]
        return Sample(
            at=time.perf_counter(),
            rows=numbers["audit_sink_rows_total"],
            batches=numbers["audit_sink_batch_seconds_count"],
            batch_seconds=numbers["audit_sink_batch_seconds_sum"],
            rss_mib=sum(it.memory_info().rss for it in of_sinks) / MEBIBYTE,
            cpu={"sink": sum(cpu_seconds(it.pid) for it in of_sinks)} | _of_servers(self.stack),
        )

    def until(self, done: Callable[[Sample], bool]) -> list[Sample]:
        """All looks, the last is the first that satisfies `done`. Blocks."""
        samples = [self.look()]
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        while not done(samples[-1]):
            assert time.monotonic() < deadline, f"the sink does not get on: {samples[-1]}"
            time.sleep(SAMPLE_SECONDS)
            samples.append(self.look())
        return samples


@contextmanager
def watching(stack: Stack, world: World, *names: str) -> Iterator[Watcher]:
    """The sinks of those names, which run; once they are ready."""
    sinks = tuple(world.processes[name] for name in names)
    for sink in sinks:
        sink.wait_ready()
    with httpx.Client(trust_env=False, timeout=ADMIN_SECONDS) as client:
        yield Watcher(stack, sinks, client)


async def drained(stack: Stack, world: World, rows: int, sinks: Sequence[str] = (SINK,)) -> Drain:
    """Starts sinks on what waits at the broker, and stops them when all is acknowledged.

    `rows`: how many of the messages become rows; what else waits becomes dead letters.
    """
    start = Sample(time.perf_counter(), 0, 0, 0, 0, {"sink": 0} | _of_servers(stack))
    world.start_unready(*sinks)
    with watching(stack, world, *sinks) as watcher:
        samples = watcher.until(lambda sample: sample.rows >= rows)
        await nothing_waits(world)
        drain = Drain(start, tuple(samples), watcher.look())
    assert drain.acknowledged.rows == rows, "an event stands twice or is missing"
    assert [world.stop(name) for name in sinks] == [0] * len(sinks)
    return drain


async def nothing_waits(world: World) -> None:
    """Until every message of `dict/events` is acknowledged."""
    namespace = f"{world.environment['DICT_PULSAR_TENANT']}/events"
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    async with open_admin(world.environment["DICT_PULSAR_ADMIN_URL"], ADMIN_SECONDS) as admin:
        backlogs = Backlogs(admin)
        while (backlog := await backlogs.of_namespace(namespace, SUBSCRIPTION)).messages:
            assert time.monotonic() < deadline, f"it stays unacknowledged: {backlog}"
            await asyncio.sleep(ACKNOWLEDGED_POLL_SECONDS)


def _of_servers(stack: Stack) -> dict[str, float]:
    pids = {it.name: it.pid for it in stack.status()}
    return {
        "PostgreSQL": cpu_seconds(pids[postgres.NAME]),
        "broker": cpu_seconds(pids[pulsar.NAME]),
    }


def cpu_seconds(pid: int | None) -> float:
    """Of a process, its children, and those of them that have ended."""
    assert pid is not None, "the server does not run here"
    leader = psutil.Process(pid)
    times = leader.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in leader.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += own.user + own.system
    return total
