"""The sink on real servers: once, evidence that fits, poison found, outages waited out."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.store.database import prepare
from tests.support.audit_evidence import broken_evidence
from tests.support.events import EventProducer, TestEvent, event_producer, step_event
from tests.support.waiting import until
from tests.support.world import World, connect, make_world

ROLE = "audit_sink"
TAKEOVERS = 5


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with one sink in it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("sink"))) as made:
        made.start("sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def producer(world: World) -> AsyncIterator[EventProducer]:
    """Whoever publishes events."""
    async with event_producer(world) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser's connection to the world's database."""
    connection = await world.connect()
    await prepare(connection)
    yield connection
    await connection.close()


async def rows_of(database: "asyncpg.Connection[Any]", events: list[TestEvent]) -> Counter[UUID]:
    """How often each event stands in the table."""
    ids = [event.envelope.id for event in events]
    rows = await database.fetch(
        "SELECT event_id FROM audit.workflow_events WHERE event_id = ANY($1::uuid[])", ids
    )
    return Counter(row["event_id"] for row in rows)


async def wait_for_rows(database: "asyncpg.Connection[Any]", events: list[TestEvent]) -> None:
    """Until each of them is there at least once."""

    async def there() -> bool:
        return len(await rows_of(database, events)) == len(events)

    await until(there, f"{len(events)} events are in the audit")


def once(events: list[TestEvent]) -> Counter[UUID]:
    """Each, once."""
    return Counter(event.envelope.id for event in events)


async def reason_of(world: World, event: TestEvent) -> str:
    """The reason of the event's dead letter."""

    async def look() -> str | None:
        rows = world.dictctl_json("dlq", "list", "--service", "audit-sink", "--limit", "10000")
        found = [row["reason"] for row in rows if row["ce_subject"] == event.envelope.subject]
        return found[0] if found else None

    return await until(look, "a dead letter") or ""


async def test_duplicates_stand_once(
    producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    events = [step_event() for _ in range(20)]
    for _ in range(3):
        await producer.send(*events)
    last = step_event()
    await producer.send(last)
    await wait_for_rows(database, [*events, last])
    assert await rows_of(database, events) == once(events)


async def test_evidence_is_recomputed_from_the_table(
    producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    events = [step_event(outcome_time) for outcome_time in range(1, 30)]
    await producer.send(*events)
    await wait_for_rows(database, events)
    assert await database.fetchval("SELECT count(*) FROM audit.batches") > 0
    assert await broken_evidence(database) == []


async def test_reused_id_with_other_content_is_buried(
    world: World, producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    first = step_event()
    other = TestEvent(first.envelope._replace(subject=str(step_event().envelope.subject)), "other")
    await producer.send(first)
    await wait_for_rows(database, [first])
    await producer.send(other)
    assert await reason_of(world, other) == "event-id-reused"
    assert await rows_of(database, [first]) == once([first])


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (step_event(time=datetime.now(UTC) + timedelta(days=2)), "time-in-future"),
        (step_event(time=datetime(1, 1, 1, tzinfo=UTC)), "time-before-1970"),
        (replace(step_event(), dropped=("ce_sequence",)), "envelope-invalid"),
        (replace(step_event(), dropped=("ce_id",)), "envelope-invalid"),
        (replace(step_event(), outcome="a\x00b"), "text-has-nul"),
    ],
    ids=["two days ahead", "time never set", "no sequence", "no id", "NUL in the body"],
)
async def test_poison_is_buried_and_neighbours_go_on(
    world: World,
    producer: EventProducer,
    database: "asyncpg.Connection[Any]",
    event: TestEvent,
    reason: str,
) -> None:
    neighbours = [step_event() for _ in range(3)]
    await producer.send(event, *neighbours)
    await wait_for_rows(database, neighbours)
    assert await reason_of(world, event) == reason


async def test_month_without_partition_falls_into_default(
    producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    old = step_event(time=datetime(2020, 2, 3, tzinfo=UTC))
    await producer.send(old)
    await wait_for_rows(database, [old])
    found = await database.fetchval(
        "SELECT tableoid::regclass::text FROM audit.workflow_events WHERE event_id = $1",
        old.envelope.id,
    )
    assert found == "audit.workflow_events_default"


async def test_kill_under_load_loses_and_doubles_nothing(
    world: World, producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    events = [step_event() for _ in range(400)]
    for begin in range(0, len(events), 40):
        await producer.send(*events[begin : begin + 40])
        if begin % 80 == 0:
            world.kill("sink")
            world.start("sink")
    await wait_for_rows(database, events)
    assert await rows_of(database, events) == once(events)


async def test_two_sinks_and_one_of_them_killed(
    world: World, producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    """Several times: messages that come while a partition changes hands once held up older ones."""
    for _ in range(TAKEOVERS):
        first = world.processes.pop("sink")
        world.start("sink")
        events = [step_event() for _ in range(200)]
        await producer.send(*events[:100])
        first.kill()
        await producer.send(*events[100:])
        await wait_for_rows(database, events)
        assert await rows_of(database, events) == once(events)


async def test_metrics_tell_age_and_lag(
    world: World, producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    sink = world.processes["sink"]
    lag, oldest, age = (
        f'{name}{{consumer="audit-sink.events"}}'
        for name in (
            "dict_consumer_lag_messages",
            "dict_consumer_lag_seconds",
            "dict_message_age_seconds_count",
        )
    )
    told = sink.metrics().get(age, 0)
    events = [step_event() for _ in range(7)]
    async with database.transaction():  # the gate waits for it, and is asked again when it must not
        await database.execute("LOCK TABLE audit.event_ids IN EXCLUSIVE MODE")
        await producer.send(*events)

        async def behind() -> bool:
            metrics = sink.metrics()
            return metrics.get(lag, 0) >= len(events) and metrics.get(oldest, 0) > 0

        await until(behind, "what is not acknowledged is counted")
    await wait_for_rows(database, events)

    async def caught_up() -> bool:
        metrics = sink.metrics()
        return (metrics.get(lag), metrics.get(oldest)) == (0, 0)

    await until(caught_up, "nothing is left")
    assert sink.metrics()[age] >= told + len(events)


async def test_database_that_is_away_is_waited_for(
    world: World, producer: EventProducer, database: "asyncpg.Connection[Any]"
) -> None:
    name = await database.fetchval("SELECT current_database()")
    admin = await connect(world.environment, "postgres", "postgres")
    await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")  # superusers still get in
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = $1 AND usename = $2",
        name,
        ROLE,
    )
    events = [step_event() for _ in range(50)]
    await producer.send(*events)

    async def paused() -> bool:
        return "sink-paused" in world.processes["sink"].tail()

    await until(paused, "the sink says that it waits")
    assert await rows_of(database, events) == Counter()
    await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    await admin.close()
    await wait_for_rows(database, events)
    assert await rows_of(database, events) == once(events)
    assert world.stop("sink") == 0
    world.start("sink")
