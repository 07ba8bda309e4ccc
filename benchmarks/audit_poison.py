"""audit-poison: bad messages in a steady stream; where they end, and what neighbours pay for it.

A sink of an older release reads good events, and good events with bad messages among them, in
turns, so that a table that grows or a server that tires is nobody's fault: some that no release can
store, some that only the next one knows. Every bad one must lie in the dead letters for its own
reason, and the good ones must not wait for them. Then the next release is deployed and all letters
are given back: what it knows stands once, what nobody can store is a letter again. A broken promise
ends the run with an error.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

import asyncpg

from audit_sink.adapters.pulsar_event_source import BATCH_WAIT_MS
from benchmarks.audit_bad_events import FOR_EVER, OLD_RELEASE, Bad, among
from benchmarks.audit_drain import Watcher, nothing_waits, watching
from benchmarks.audit_events import BenchEvent, events
from benchmarks.audit_feed import Feed
from benchmarks.audit_letters import all_given_back, judged
from benchmarks.crowd import running
from benchmarks.figures import Figure, Report, at_most, middle
from benchmarks.ground import ground_on, servers
from tests.support.world import World

OLDER = "older-sink"
WARM_EVENTS = 500
AHEAD_SECONDS = 0.005
FOLLOW_SECONDS = 0.02
CLEAN, POISONED = "clean", "with bad messages"
_DELAYS = """
SELECT percentile_disc($2::float8[]) WITHIN GROUP (
    ORDER BY extract(epoch FROM seen.at - (event.metadata ->> 'published_at')::timestamptz)
) AS delays
FROM audit.workflow_events AS event JOIN seen USING (batch_id)
WHERE seen.stream = $1
GROUP BY seen.turn
"""
_PERCENTILES = (0.5, 0.99, 1.0)


@dataclass
class Stream:
    """Its turns together; `delays`: seconds from publish to seen in the table, by percentile, each
    the median of the turns: what holds the machine up for seconds falls into one of them."""

    events: int = 0
    seconds: float = 0.0
    batches: float = 0.0
    batches_seconds: float = 0.0
    delays: tuple[float, ...] = ()

    @property
    def batch_seconds(self) -> float:
        """Of a batch, from received to committed, on average."""
        return self.batches_seconds / self.batches


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many of each, and how fast."""
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--bad", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=2_000.0, help="events a second")
    parser.add_argument("--turns", type=int, default=20, help="of each stream")


def measure(given: argparse.Namespace) -> Report:
    """A clean stream and one with bad messages, in turns; then the redrive."""
    bad: list[Bad] = []
    every = given.events // given.bad
    mixed = among(events(given.events), every, (*FOR_EVER, *OLD_RELEASE), bad)
    with servers() as stack, ground_on(stack) as world:
        with running(world, OLDER), watching(stack, world, OLDER) as watcher:
            sent = {CLEAN: events(given.events), POISONED: mixed}
            streams = asyncio.run(_in_turns(world, watcher, sent, given))
        asyncio.run(judged(world, bad, given.events * 2 + WARM_EVENTS))
        with running(world, "sink", "desk", "desk-relay"):
            seconds = asyncio.run(all_given_back(world, bad))
    known = sum(it.reason in OLD_RELEASE for it in bad)
    p99 = _PERCENTILES.index(0.99)
    return Report(
        "audit-poison",
        (
            *(figure for name, stream in streams.items() for figure in _figures(name, stream)),
            at_most(
                "p99 of the neighbours, beyond a clean stream's",
                streams[POISONED].delays[p99] - streams[CLEAN].delays[p99],
                "s",
                streams[CLEAN].batch_seconds + BATCH_WAIT_MS / 1000,
            ),
            Figure("bad messages, each a dead letter for its reason", len(bad), "letters"),
            Figure("of them given back and a row once", known, "rows"),
            Figure("given back and a letter again", len(bad) - known, "letters"),
            Figure("giving all back", seconds, "s"),
        ),
        (
            f"{given.events} good events and {len(bad)} bad ones, {given.rate:g} a second, "
            f"medians of {given.turns} turns of each stream; a delay is seen within "
            f"{1000 * FOLLOW_SECONDS:g} ms; the limit is one batch of the clean stream: "
            f"{BATCH_WAIT_MS} ms to fill it, and its time",
        ),
    )


def _figures(name: str, stream: Stream) -> list[Figure]:
    words = ("p50", "p99", "slowest")
    delays = zip(words, stream.delays, strict=True)
    return [
        Figure(f"{name}: published", stream.events / stream.seconds, "events/s"),
        *(Figure(f"{name}: delay, {word}", delay, "s") for word, delay in delays),
        Figure(f"{name}: a batch, from received to committed", stream.batch_seconds, "s"),
    ]


async def _in_turns(
    world: World,
    watcher: Watcher,
    sent: dict[str, Iterator[BenchEvent]],
    given: argparse.Namespace,
) -> dict[str, Stream]:
    streams = {name: Stream() for name in sent}
    feed = Feed(world)
    try:
        async with _following(await world.connect()) as follower:
            feed.publish(events(WARM_EVENTS))
            await nothing_waits(world)
            for turn in range(given.turns):
                for name, stream in streams.items():
                    last = turn == given.turns - 1
                    length = None if last else given.events // given.turns
                    await follower.look()
                    follower.stream, follower.turn = name, turn
                    part = islice(sent[name], length)
                    await _turn(world, watcher, feed, paced(part, given.rate), stream)
            await follower.look()
            for name, stream in streams.items():
                stream.delays = await follower.delays(name)
    finally:
        feed.close()
    return streams


async def _turn(
    world: World, watcher: Watcher, feed: Feed, sent: Iterable[BenchEvent], stream: Stream
) -> None:
    before, began = watcher.look(), time.perf_counter()
    stream.events += await asyncio.to_thread(feed.publish, sent)
    stream.seconds += time.perf_counter() - began
    await nothing_waits(world)
    after = watcher.look()
    stream.batches += after.batches - before.batches
    stream.batches_seconds += after.batch_seconds - before.batch_seconds


def paced(sent: Iterable[BenchEvent], a_second: float) -> Iterator[BenchEvent]:
    """So many a second; late ones follow at once."""
    begin = time.perf_counter()
    for number, event in enumerate(sent):
        ahead = begin + number / a_second - time.perf_counter()
        if ahead > AHEAD_SECONDS:
            time.sleep(ahead)
        yield event


class _Follower:
    """Notes when each batch is first seen, and whose it is, into a table of its connection."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._one_at_once = asyncio.Lock()
        self._chain_no = 0
        self.stream: str | None = None
        self.turn = 0

    async def begin(self) -> None:
        """What stands is nobody's."""
        await self._connection.execute(
            "CREATE TEMP TABLE seen "
            "(batch_id uuid PRIMARY KEY, at timestamptz, stream text, turn int)"
        )
        await self.look()

    async def look(self) -> None:
        """Once."""
        async with self._one_at_once:
            rows = await self._connection.fetch(
                "WITH new AS (SELECT batch_id, chain_no FROM audit.batches WHERE chain_no > $1), "
                "noted AS (INSERT INTO seen "
                "          SELECT batch_id, clock_timestamp(), $2, $3 FROM new) "
                "SELECT chain_no FROM new",
                self._chain_no,
                self.stream,
                self.turn,
            )
            self._chain_no = max((row["chain_no"] for row in rows), default=self._chain_no)

    async def follow(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(FOLLOW_SECONDS)

    async def delays(self, stream: str) -> tuple[float, ...]:
        """The percentiles of a stream's events."""
        async with self._one_at_once:
            turns = await self._connection.fetch(_DELAYS, stream, _PERCENTILES)
        by_percentile = zip(*(map(float, turn["delays"]) for turn in turns), strict=True)
        return tuple(middle(list(delays)) for delays in by_percentile)


@asynccontextmanager
async def _following(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> AsyncIterator[_Follower]:
    follower = _Follower(connection)
    await follower.begin()
    following = asyncio.create_task(follower.follow())
    try:
        yield follower
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await connection.close()
