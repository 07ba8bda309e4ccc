"""claims-throughput: commands a second to `claim.created` on its topic, and how soon DICT is asked.

`claim.create` is published as Core does; the simulator's ledger says when the call came.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
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
    """All at once first, then at a steady rate."""
    steady = int(given.rate * given.seconds)
    members = crowd(WARM_UP + given.claims + steady)
    warm, burst, paced = (
        members[:WARM_UP],
        members[WARM_UP : WARM_UP + given.claims],
        members[WARM_UP + given.claims :],
    )
    with ground() as world, running(world, "simulator", "consumer", "worker", "relay"):
        seed(world, members)
        _created(world, warm)
        seconds = _created(world, burst)
        waits = asyncio.run(_paced(world, paced, given.rate))
    return Report(
        "claims-throughput",
        (
            Figure("claim.create to claim.created", given.claims / seconds, "claims/s"),
            Figure("command to Bridge call, p50", percentile(waits, 50), "s"),
            at_most("command to Bridge call, p99", percentile(waits, 99), "s", P99_SECONDS_MAX),
            Figure("command to Bridge call, longest", max(waits), "s"),
        ),
        (
            f"{given.claims} claims at once; then {steady} at {given.rate:g}/s",
            "from before the send to the simulator's ledger",
        ),
    )


def _created(world: World, members: Sequence[Member]) -> float:
    """Seconds from the first send to the last `claim.created` received."""
    client = pulsar.Client(
        world.environment["DICT_PULSAR_URL"], logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
    )
    topic = f"persistent://{world.environment['DICT_PULSAR_TENANT']}/events/claim.created"
    consumer = client.subscribe(topic, f"bench.{uuid4()}")
    wanted = {str(member.claim_id) for member in members}
    began = time.perf_counter()
    asyncio.run(publish_all(world, members))
    while wanted:
        message = consumer.receive(RECEIVE_MS)
        wanted.discard(message.properties()["ce_subject"])
        consumer.acknowledge(message)
    seconds = time.perf_counter() - began
    client.close()
    return seconds


async def _paced(world: World, members: Sequence[Member], rate: float) -> list[float]:
    sent: dict[str, datetime] = {}
    async with commands_of(world) as commands:
        bodies = [(member, commands.sealed(member)) for member in members]
        began, sends = time.perf_counter(), []
        for number, (member, body) in enumerate(bodies):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sent[str(member.claim_id)] = datetime.now(UTC)
            sends.append(asyncio.create_task(commands.send(member, body)))
        await asyncio.gather(*sends)
    called = await _calls_of(world, sent)
    return [(called[id_] - at).total_seconds() for id_, at in sent.items()]


async def _calls_of(world: World, sent: dict[str, datetime]) -> dict[str, datetime]:
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
            await asyncio.sleep(POLL_SECONDS)
