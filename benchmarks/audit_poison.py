"""audit-poison: bad messages in a steady stream; where they end, and what neighbours pay for it.

A sink of an older release reads a stream of good events, then one with bad messages among them:
some that no release can store, some that only the next one knows. Every bad one must lie in the
dead letters for its own reason, and the good ones must not wait for them. Then the next release is
deployed and all letters are given back: what it knows stands once, what nobody can store is a
letter again. A broken promise ends the run with an error.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from audit_sink.adapters.pulsar_event_source import BATCH_WAIT_MS
from benchmarks.audit_bad_events import FOR_EVER, OLD_RELEASE, Bad, among
from benchmarks.audit_drain import Watcher, nothing_waits, watching
from benchmarks.audit_events import BenchEvent, events
from benchmarks.audit_feed import Feed
from benchmarks.audit_letters import all_given_back, judged
from benchmarks.crowd import running
from benchmarks.figures import Figure, Report, at_most
from benchmarks.ground import ground_on, servers
from tests.support.world import World

OLDER = "older-sink"
WARM_EVENTS = 500
AHEAD_SECONDS = 0.005
FOLLOW_SECONDS = 0.02
_DELAYS = """
SELECT percentile_disc($2::float8[]) WITHIN GROUP (
    ORDER BY extract(epoch FROM seen.at - (event.metadata ->> 'published_at')::timestamptz))
FROM audit.workflow_events AS event JOIN seen USING (batch_id)
WHERE (event.metadata ->> 'published_at')::timestamptz >= $1
"""
_PERCENTILES = (0.5, 0.99, 1.0)


@dataclass(frozen=True)
class Stream:
    """What came of one: seconds from publish to seen in the table, and of a batch."""

    delays: dict[float, float]
    batch_seconds: float
    rate: float


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many of each, and how fast."""
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--bad", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=2_000.0, help="events a second")


def measure(given: argparse.Namespace) -> Report:
    """A clean stream, one with bad messages, then the redrive."""
    bad: list[Bad] = []
    every = given.events // given.bad
    mixed = among(events(given.events), every, (*FOR_EVER, *OLD_RELEASE), bad)
    with servers() as stack, ground_on(stack) as world:
        with running(world, OLDER), watching(stack, world, OLDER) as watcher:
            clean = asyncio.run(_stream(world, watcher, events(given.events), given))
            poisoned = asyncio.run(_stream(world, watcher, mixed, given))
        asyncio.run(judged(world, bad, given.events * 2 + WARM_EVENTS * 2))
        with running(world, "sink", "desk", "desk-relay"):
            seconds = asyncio.run(all_given_back(world, bad))
    known = sum(it.reason in OLD_RELEASE for it in bad)
    return Report(
        "audit-poison",
        (
            *_figures("clean", clean),
            *_figures("with bad messages", poisoned),
            at_most(
                "p99 of the neighbours, beyond a clean stream's",
                poisoned.delays[0.99] - clean.delays[0.99],
                "s",
                clean.batch_seconds + BATCH_WAIT_MS / 1000,
            ),
            Figure("bad messages, each a dead letter for its reason", len(bad), "letters"),
            Figure("of them given back and a row once", known, "rows"),
            Figure("given back and a letter again", len(bad) - known, "letters"),
            Figure("giving all back", seconds, "s"),
        ),
        (
            f"{given.events} good events and {len(bad)} bad ones, {given.rate:g} a second; a delay "
            f"is seen within {1000 * FOLLOW_SECONDS:g} ms; the limit is one batch of the clean "
            f"stream: {BATCH_WAIT_MS} ms to fill it, and its time",
        ),
    )


def _figures(name: str, stream: Stream) -> list[Figure]:
    words = {0.5: "p50", 0.99: "p99", 1.0: "slowest"}
    return [
        Figure(f"{name}: published", stream.rate, "events/s"),
        *(Figure(f"{name}: delay, {words[it]}", stream.delays[it], "s") for it in _PERCENTILES),
        Figure(f"{name}: a batch, from received to committed", stream.batch_seconds, "s"),
    ]


async def _stream(
    world: World, watcher: Watcher, sent: Iterable[BenchEvent], given: argparse.Namespace
) -> Stream:
    connection = await world.connect()
    feed = Feed(world)
    try:
        feed.publish(events(WARM_EVENTS))
        await nothing_waits(world)
        before, begin = watcher.look(), datetime.now(UTC)
        followed = asyncio.Event()
        following = asyncio.create_task(_follow(connection, followed))
        count = await asyncio.to_thread(feed.publish, paced(sent, given.rate))
        seconds = (datetime.now(UTC) - begin).total_seconds()
        await nothing_waits(world)
        followed.set()
        await following
        after = watcher.look()
        delays = await connection.fetchval(_DELAYS, begin, _PERCENTILES)
    finally:
        feed.close()
        await connection.close()
    return Stream(
        delays=dict(zip(_PERCENTILES, map(float, delays), strict=True)),
        batch_seconds=(after.batch_seconds - before.batch_seconds)
        / (after.batches - before.batches),
        rate=count / seconds,
    )


def paced(sent: Iterable[BenchEvent], a_second: float) -> Iterator[BenchEvent]:
    """So many a second; late ones follow at once."""
    begin = time.perf_counter()
    for number, event in enumerate(sent):
        ahead = begin + number / a_second - time.perf_counter()
        if ahead > AHEAD_SECONDS:
            time.sleep(ahead)
        yield event


async def _follow(connection: "asyncpg.Connection[asyncpg.Record]", ended: asyncio.Event) -> None:
    """Notes when each batch is first seen, into a table of its own."""
    await connection.execute("CREATE TEMP TABLE seen (batch_id uuid PRIMARY KEY, at timestamptz)")
    chain_no = await connection.fetchval("SELECT coalesce(max(chain_no), 0) FROM audit.batches")
    last = False
    while not last:
        last = ended.is_set()
        rows = await connection.fetch(
            "WITH new AS (SELECT batch_id, chain_no FROM audit.batches WHERE chain_no > $1), "
            "noted AS (INSERT INTO seen SELECT batch_id, clock_timestamp() FROM new) "
            "SELECT chain_no FROM new",
            chain_no,
        )
        chain_no = max((row["chain_no"] for row in rows), default=chain_no)
        await asyncio.sleep(FOLLOW_SECONDS)
