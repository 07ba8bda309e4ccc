"""claims-throughput: commands a second to `claim.created` on its topic, and how soon DICT is asked.

`claim.create` is published as Core does; the simulator's ledger says when the call came.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pulsar

from benchmarks.crowd import Member, calls, commands_of, crowd, publish_all, running, seed
from benchmarks.figures import Figure, Report, at_most, percentile
from benchmarks.ground import ground
from devstack.cast import other_side
from tests.support.world import World

P99_SECONDS_MAX = 1.5
WARM_UP = 20
RECEIVE_MS = 120_000
ARRIVE_SECONDS_MAX = 600.0
POLL_SECONDS = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many, how fast."""
    parser.add_argument("--claims", type=int, default=500)
    parser.add_argument("--rate", type=float, default=20.0, help="commands a second")
    parser.add_argument("--seconds", type=float, default=60.0)


def measure(given: argparse.Namespace) -> Report:
    """At a steady rate first, from a system at rest; then all at once."""
    steady = int(given.rate * given.seconds)
    members = crowd(WARM_UP + given.claims + steady)
    warm, burst, paced = (
        members[:WARM_UP],
        members[WARM_UP : WARM_UP + given.claims],
        members[WARM_UP + given.claims :],
    )
    with ground() as world, running(world, "simulator", "consumer", "worker", "relay"):
        seed(world, members)
        _at_once(world, warm)
        with _created(world, paced) as told:
            sent = asyncio.run(_send(world, paced, given.rate))
            called = _calls_of(world, sent)
        seconds = _at_once(world, burst)
    waits = [(called[id_] - at).total_seconds() for id_, at in sent.items()]
    events = [(told[id_] - at).total_seconds() for id_, at in sent.items()]
    return Report(
        "claims-throughput",
        (
            Figure("claim.create to claim.created", given.claims / seconds, "claims/s"),
            Figure("command to Bridge call, p50", percentile(waits, 50), "s"),
            at_most("command to Bridge call, p99", percentile(waits, 99), "s", P99_SECONDS_MAX),
            Figure("command to Bridge call, longest", max(waits), "s"),
            Figure("command to claim.created at that rate, p50", percentile(events, 50), "s"),
            Figure("command to claim.created at that rate, p99", percentile(events, 99), "s"),
        ),
        (
            f"{steady} claims at {given.rate:g}/s; then {given.claims} at once",
            "from before the send to the simulator's ledger",
        ),
    )


def _at_once(world: World, members: Sequence[Member]) -> float:
    """Seconds from the first send to the last `claim.created`."""
    began = datetime.now(UTC)
    with _created(world, members) as told:
        asyncio.run(publish_all(world, members))
    return (max(told.values()) - began).total_seconds()


@contextmanager
def _created(world: World, members: Sequence[Member]) -> Iterator[dict[str, datetime]]:
    """Claim id to when its `claim.created` was received; complete once the context is left."""
    client = pulsar.Client(
        world.environment["DICT_PULSAR_URL"], logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
    )
    topic = f"persistent://{world.environment['DICT_PULSAR_TENANT']}/events/claim.created"
    consumer = client.subscribe(topic, f"bench.{uuid4()}")
    wanted = {str(member.claim_id) for member in members}
    told: dict[str, datetime] = {}

    def receive() -> None:
        while not told.keys() >= wanted:
            message = consumer.receive(RECEIVE_MS)
            told.setdefault(message.properties()["ce_subject"], datetime.now(UTC))
            consumer.acknowledge(message)

    try:
        with ThreadPoolExecutor(1) as listener:
            receiving = listener.submit(receive)
            yield told
            receiving.result()
    finally:
        client.close()


async def _send(world: World, members: Sequence[Member], rate: float) -> dict[str, datetime]:
    """Claim id to when its command was sent."""
    sent: dict[str, datetime] = {}
    async with commands_of(world) as commands:
        bodies = [(member, commands.sealed(member)) for member in members]
        began, sends = time.perf_counter(), []
        for number, (member, body) in enumerate(bodies):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sent[str(member.claim_id)] = datetime.now(UTC)
            sends.append(asyncio.create_task(commands.send(member, body)))
        await asyncio.gather(*sends)
    return sent


def _calls_of(world: World, sent: dict[str, datetime]) -> dict[str, datetime]:
    """Claim id to when DICT was first asked for it: the Bridge call's name holds the claim's id."""
    deadline = time.monotonic() + ARRIVE_SECONDS_MAX
    with other_side(world.environment) as side:
        while True:
            called: dict[str, datetime] = {}
            for row in calls(side, "CreateClaim"):
                id_ = row.x_request_id.removeprefix("claim-").partition(":")[0]
                called.setdefault(id_, row.time.ToDatetime(UTC))
            if called.keys() >= sent.keys():
                return called
            missing = len(sent.keys() - called.keys())
            assert time.monotonic() < deadline, f"{missing} commands reached no Bridge"
            time.sleep(POLL_SECONDS)
