"""The relay on the real broker: every event once on its topic, whatever happens in between."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from devstack.stack import Stack
from devstack.topic_dump import dump_topics
from dict_common.bus.avro import AvroCodec
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox
from dict_common.store.database import prepare
from tests.support.waiting import until
from tests.support.world import World, make_world

ROLE = "claim_orchestrator"
NAME = "workflow.step"


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """A world with no process of ours in it."""
    with make_world(stack, tmp_path) as made:
        yield made


def event(subject: UUID, ordinal: int = 1) -> OutgoingEvent:
    """A small event of an aggregate."""
    record = {"kind": "TIMER_FIRED", "name": "test", "outcome": "ok"}
    return OutgoingEvent(
        topic=f"events/{NAME}",
        key=str(subject),
        envelope=Envelope(
            id=uuid4(),
            type=NAME,
            source="/dict-connect/claim-orchestrator",
            time=datetime.now(UTC),
            subject=str(subject),
            aggregate_type="claim",
        ),
        payload=AvroCodec().encode(NAME, record),
        ordinal=ordinal,
    )


async def write(world: World, events: Sequence[OutgoingEvent]) -> None:
    """Commits events into the outbox."""
    connection = await world.connect(ROLE)
    try:
        await prepare(connection)
        await outbox.insert(connection, events, version_before=0)
    finally:
        await connection.close()


def on_topic(world: World) -> Counter[str]:
    """How often each event id lies on the topic."""
    url, tenant = world.environment["DICT_PULSAR_URL"], world.environment["DICT_PULSAR_TENANT"]
    return Counter(
        message.properties["ce_id"]
        for message in dump_topics(url, tenant)
        if message.topic.namespace == "events"
    )


async def rows_left(world: World) -> int:
    """Rows of the outbox."""
    connection = await world.connect()
    try:
        return int(await connection.fetchval("SELECT count(*) FROM connect.outbox"))
    finally:
        await connection.close()


async def drained(world: World) -> bool:
    """Whether the outbox is empty."""
    return await rows_left(world) == 0


def once(events: Sequence[OutgoingEvent]) -> Counter[str]:
    """Every event, once."""
    return Counter(str(it.envelope.id) for it in events)


async def test_numbers_drawn_in_one_order_and_committed_in_another(world: World) -> None:
    early, late = event(uuid4()), event(uuid4())
    world.start("relay")
    slow = await world.connect(ROLE)
    await prepare(slow)
    transaction = slow.transaction()
    await transaction.start()
    await outbox.insert(slow, [early], version_before=0)  # draws the lower id, and waits
    await write(world, [late])
    await until(lambda: seen(world, late), "the later row is sent while the earlier one waits")
    await transaction.commit()
    await slow.close()
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once([early, late])


def run_relay_that_dies(world: World, when: str, sends: int) -> int:
    """Its exit status."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.relay_that_dies", when, str(sends)],
        env=world.environment,
        cwd=Path(__file__).resolve().parents[3],
        timeout=90,
        check=False,
    ).returncode


async def seen(world: World, wanted: OutgoingEvent) -> bool:
    """Whether an event is on its topic."""
    return str(wanted.envelope.id) in on_topic(world)


@pytest.mark.parametrize(("when", "sends"), [("before", 1), ("after", 1), ("after", 3)])
async def test_kill_between_number_send_and_delete(world: World, when: str, sends: int) -> None:
    events = [event(uuid4()) for _ in range(5)]
    await write(world, events)
    assert run_relay_that_dies(world, when, sends) == -signal.SIGKILL
    assert await rows_left(world) == len(events)
    world.start("relay")
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once(events)


async def test_two_relays_at_once_and_one_of_them_killed(world: World) -> None:
    events = [event(uuid4()) for _ in range(150)]
    world.start("relay")
    first = world.processes.pop("relay")
    world.start("relay")
    for begin in range(0, len(events), 10):
        await write(world, events[begin : begin + 10])
        if begin == 50:
            first.kill()
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once(events)


async def relayed_and_stopped(world: World) -> list[OutgoingEvent]:
    """Events that a relay sent before it was stopped."""
    events = [event(uuid4()) for _ in range(3)]
    world.start("relay")
    await write(world, events)
    await until(lambda: drained(world), "the outbox is empty")
    world.stop("relay")
    return events


async def test_database_made_anew_sends_under_another_name(world: World) -> None:
    before, after = await relayed_and_stopped(world), [event(uuid4()) for _ in range(3)]
    connection = await world.connect()
    await connection.execute(
        # What a database made anew has: numbers from 1, and an epoch of its own.
        "UPDATE connect.relay_epoch SET epoch = gen_random_uuid(), last_publish_no = 0"
    )
    await connection.close()
    world.start("relay")
    await write(world, after)
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once([*before, *after])


async def test_new_epoch_is_refused_while_a_relay_is_at_work(world: World) -> None:
    world.start("relay")
    first = [event(uuid4()) for _ in range(2)]
    await write(world, first)
    await until(lambda: drained(world), "the outbox is empty")
    done = world.dictctl("db", "new-epoch", ROLE)
    assert done.returncode == 5
    assert "stop it first" in done.stderr
    second = [event(uuid4()) for _ in range(2)]
    await write(world, second)
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once([*first, *second])


async def halt(connection: "asyncpg.Connection[Any]") -> str | None:
    """Why the relay sends nothing more."""
    reason: str | None = await connection.fetchval(
        "SELECT halted_reason FROM connect.relay_epoch WHERE service = $1", ROLE
    )
    return reason


async def test_restored_backup_halts_the_relay_until_an_operator_acts(world: World) -> None:
    before, after = await relayed_and_stopped(world), [event(uuid4()) for _ in range(3)]
    connection = await world.connect()
    await connection.execute("UPDATE connect.relay_epoch SET last_publish_no = 0")  # the backup's
    world.start("relay")
    await write(world, after)

    assert "older than the topics" in (
        await until(lambda: halt(connection), "the relay halts") or ""
    )
    world.kill("relay")
    world.start_unready("relay")  # a restart does not make it forget
    assert await rows_left(world) == len(after)
    assert world.dictctl("db", "new-epoch", ROLE).returncode == 0
    await until(lambda: drained(world), "the outbox is empty")
    await connection.close()
    assert on_topic(world) == once([*before, *after])


async def test_restored_backup_and_a_name_that_is_still_held_lose_nothing(world: World) -> None:
    before, after = await relayed_and_stopped(world), [event(uuid4()) for _ in range(3)]
    connection = await world.connect()
    epoch = await connection.fetchval(
        "UPDATE connect.relay_epoch SET last_publish_no = 0 WHERE service = $1 RETURNING epoch",
        ROLE,
    )
    await write(world, after)
    holder = PulsarEventSender(
        world.environment["DICT_PULSAR_URL"],
        world.environment["DICT_PULSAR_TENANT"],
        f"{ROLE}.relay.{epoch}",
    )
    assert await holder.open(f"events/{NAME}") == len(before)
    world.start("relay")
    await until(lambda: held(world), "the relay meets the held name")
    await holder.close()
    assert "older than the topics" in (
        await until(lambda: halt(connection), "the relay halts") or ""
    )
    world.stop("relay")
    assert await rows_left(world) == len(after)
    assert world.dictctl("db", "new-epoch", ROLE).returncode == 0
    await connection.close()
    world.start("relay")
    await until(lambda: drained(world), "the outbox is empty")
    assert on_topic(world) == once([*before, *after])


async def held(world: World) -> bool:
    """Whether the relay said that another holds its name."""
    return "ProducerBusy" in (world.folder / "relay.log").read_text()
