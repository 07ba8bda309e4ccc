"""dictctl audit reconcile: silent where topics and table agree, and finds what does not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.bus.client import close, connect
from tests.support.events import EventProducer, TestEvent, event_producer, step_event
from tests.support.waiting import until
from tests.support.world import World, make_world

SERVICE = "audit-sink"
STRANGER = "stranger.made"
WHY = "OPS-3: reconciled"
GOOD = 12
EARLY_SECONDS = 45
"""For the sink to meet it; letters are found and given back meanwhile."""
FAR = timedelta(days=3)
EVENTS = "audit.workflow_events"
ROWS = f"SELECT count(*) FROM {EVENTS}"


@dataclass
class History:
    """What happened in the world before anybody reconciles."""

    world: World
    since: datetime
    admin: "asyncpg.Connection[Any]"
    events: list[TestEvent]
    """Good ones, each a row."""

    def reconcile(self, *words: str, to: timedelta | None = None) -> tuple[int, dict[str, Any]]:
        """Exit code, and what was printed."""
        asked = ["audit", "reconcile", "--from", self.since.isoformat(), "-o", "json", *words]
        if to is not None:
            asked += ["--to", (datetime.now(UTC) + to).isoformat()]
        done = self.world.dictctl(*asked)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def both(self) -> dict[str, dict[str, int]]:
        """The kinds that differ, without and with --content; exit codes fit them."""
        found = {}
        for words in ((), ("--content",)):
            code, told = self.reconcile(*words)
            assert code == (1 if told["differences"] else 0)
            assert told["equal"] is not bool(told["differences"])
            found[" ".join(words)] = told["differences"]
        return found


def letters(world: World) -> list[dict[str, Any]]:
    """The sink's open letters."""
    found: list[dict[str, Any]] = world.dictctl_json("dlq", "list", "--service", SERVICE)
    return found


async def letter_of(world: World, event: TestEvent, *, besides: str = "") -> str:
    """The id of the event's open letter."""

    async def look() -> str | None:
        mine = [it["id"] for it in letters(world) if it["ce_subject"] == event.envelope.subject]
        return next((it for it in mine if it != besides), None)

    return await until(look, "an open letter") or ""


def act(world: World, verb: str, letter: str) -> None:
    """Redrives or discards it."""
    world.dictctl_json("dlq", verb, letter, "--service", SERVICE, "--why", WHY)


async def publish_to_stranger(world: World) -> None:
    """A topic that this release does not know, with an event on it."""
    tenant = world.environment["DICT_PULSAR_TENANT"]
    url = world.environment["DICT_PULSAR_ADMIN_URL"].rstrip("/") + "/admin/v2/persistent"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as admin:
        made = await admin.put(f"{url}/{tenant}/events/{STRANGER}/partitions", json=1)
        made.raise_for_status()
    client = connect(world.environment["DICT_PULSAR_URL"])
    try:
        producer = await client.create_producer(f"persistent://{tenant}/events/{STRANGER}")
        event = step_event(type=STRANGER)
        await producer.send(b"whatever", properties=dict(event.properties))
    finally:
        await close(client)


async def make_history(world: World, admin: "asyncpg.Connection[Any]") -> History:
    """Rows, dead letters in every state, duplicates, reused ids, and what nobody can read."""
    since = datetime.now(UTC)
    good = [step_event() for _ in range(GOOD)]
    kept, again, dropped = (replace(step_event(), outcome=None) for _ in range(3))
    reused = replace(step_event(id=good[0].envelope.id), outcome="other")
    nameless = replace(step_event(), dropped=("ce_id",))
    timeless = replace(step_event(), dropped=("ce_time",))
    await publish_to_stranger(world)
    async with event_producer(world) as producer:
        await producer.send(*good, kept, again, dropped, good[1], good[1])
        world.start("sink", "desk", "desk-relay")
        await rows(admin, GOOD)
        early = step_event(time=datetime.now(UTC) + timedelta(hours=24, seconds=EARLY_SECONDS))
        await producer.send(early, reused, nameless, timeless)
    early_letter = await letter_of(world, early)
    first = await letter_of(world, again)
    act(world, "redrive", first)
    await letter_of(world, again, besides=first)
    act(world, "discard", await letter_of(world, dropped))

    async def no_longer_early() -> bool:
        return early.envelope.time < datetime.now(UTC) + timedelta(hours=24)

    await until(no_longer_early, "the event's time is near enough")
    act(world, "redrive", early_letter)
    for event in (kept, reused, nameless, timeless):
        await letter_of(world, event)

    async def settled() -> bool:
        """operator.acted of three requests, and the early event, are rows."""
        return bool(await admin.fetchval(ROWS) == GOOD + 4)

    await until(settled, "everything has arrived")
    return History(world, since, admin, good)


async def rows(admin: "asyncpg.Connection[Any]", count: int) -> None:
    """Waits until so many are there."""

    async def there() -> bool:
        return bool(await admin.fetchval(ROWS) >= count)

    await until(there, f"{count} rows")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def history(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[History]:
    """A world with a past; the tests leave it as they find it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("reconcile"))) as world:
        admin = await world.connect()
        try:
            yield await make_history(world, admin)
        finally:
            await admin.close()


Change = Callable[["asyncpg.Connection[Any]"], Awaitable[object]]


@asynccontextmanager
async def tampered(history: History, change: Change) -> AsyncIterator[None]:
    """A superuser's change, undone at the end."""
    admin = history.admin
    await admin.execute(f"CREATE TABLE public.kept AS TABLE {EVENTS}")
    try:
        await change(admin)
        yield
    finally:
        async with admin.transaction():
            await admin.execute("DELETE FROM audit.workflow_events")
            await admin.execute(f"INSERT INTO {EVENTS} OVERRIDING SYSTEM VALUE TABLE public.kept")
        await admin.execute("DROP TABLE public.kept")


async def test_silent_with_dead_letters_and_discards(history: History) -> None:
    for words in ((), ("--content",)):
        code, told = history.reconcile(*words, to=FAR)
        assert (code, told["equal"], told["differences"]) == (0, True, {})
        assert told["rows"] == await history.admin.fetchval(ROWS)
        states = ("open", "redriven", "under_way", "discarded", "gone")
        # kept, again once more, reused, nameless, timeless, a stranger's; again and early; dropped
        assert [told[f"dead_letters_{state}"] for state in states] == [6, 2, 0, 1, 0]
        # Rows, the event sent thrice, and the dead letters, of which early is a row.
        assert told["messages"] == told["rows"] + 2 + 7
        assert told["shown"] == []


async def test_events_of_an_instant_are_a_window(history: History) -> None:
    first = history.events[0].envelope.time
    words = ("--from", first.isoformat(), "--to", (first + timedelta(microseconds=1)).isoformat())
    told = history.world.dictctl_json("audit", "reconcile", *words)
    assert (told["messages"], told["rows"]) == (1, 1)
    empty = ("--from", "2001-01-01", "--to", "2001-01-02")
    told = history.world.dictctl_json("audit", "reconcile", *empty)
    assert (told["messages"], told["rows"], told["equal"]) == (0, 0, True)


async def test_row_removed_by_a_superuser_is_found(history: History) -> None:
    gone = history.events[3].envelope
    delete = "DELETE FROM audit.workflow_events WHERE event_id = $1"
    async with tampered(history, lambda admin: admin.execute(delete, gone.id)):
        assert history.both() == {
            "": {"missing-row": 1},
            "--content": {"missing-row": 1},
        }
        _, told = history.reconcile()
        (shown,) = told["shown"]
        assert (shown["kind"], shown["event_id"]) == ("missing-row", str(gone.id))
        assert (shown["topic"], shown["subtype"]) == ("workflow.step", "workflow.step")
        assert len(shown["message_id"].split(":")) == 4
        code, told = history.reconcile("--limit", "0")
        assert (code, told["differences"], told["shown"]) == (1, {"missing-row": 1}, [])
        table = history.world.dictctl("audit", "reconcile", "--from", history.since.isoformat())
        assert table.returncode == 1
        assert str(gone.id) in table.stdout
        assert "1 missing-row" in table.stderr


async def test_row_of_a_redriven_letter_that_is_gone_is_found(history: History) -> None:
    delete = "DELETE FROM audit.workflow_events WHERE occurred_at > now()"
    async with tampered(history, lambda admin: admin.execute(delete)):
        code, told = history.reconcile(to=FAR)
        assert (code, told["differences"]) == (1, {"missing-row": 1})


_COPY = """
INSERT INTO audit.workflow_events
    (event_id, workflow_type, workflow_id, event_type, event_subtype, event_payload, occurred_at,
     metadata, source, aggregate_type, aggregate_id, aggregate_sequence, batch_id, leaf_no)
SELECT $1, workflow_type, workflow_id, event_type, event_subtype, event_payload, occurred_at,
       $2::jsonb, source, aggregate_type, aggregate_id, aggregate_sequence, batch_id, leaf_no
FROM audit.workflow_events WHERE event_id = $3
"""
ELSEWHERE = (
    None,
    "7",
    '{"topic": "persistent://x/events/no.such", "message_id": "1:2:0:-1"}',
    '{"topic": "persistent://x/events/workflow.step", "message_id": "0:0:0:-1"}',
    '{"topic": "persistent://x/events/workflow.step", "message_id": "999999:5:1:-1"}',
    '{"topic": "persistent://x/events/workflow.step", "message_id": "9999:5:77:-1"}',
    '{"topic": 5, "message_id": "99999999999999999999:5:77:-1"}',
)


async def test_row_that_no_topic_holds_is_found(history: History) -> None:
    model = history.events[5].envelope.id
    made = [uuid4() for _ in ELSEWHERE]

    async def insert(admin: "asyncpg.Connection[Any]") -> None:
        for event_id, metadata in zip(made, ELSEWHERE, strict=True):
            await admin.execute(_COPY, event_id, metadata, model)
        at_model = await admin.fetchval(
            "SELECT metadata::text FROM audit.workflow_events WHERE event_id = $1", model
        )
        made.append(uuid4())
        await admin.execute(_COPY, made[-1], at_model, model)

    async with tampered(history, insert):
        assert history.both() == {
            "": {"no-topic": len(made)},
            "--content": {"no-topic": len(made)},
        }
        _, told = history.reconcile()
        assert {it["event_id"] for it in told["shown"]} == {str(it) for it in made}
        assert {it["subtype"] for it in told["shown"]} == {"workflow.step"}


async def test_row_twice_is_found(history: History) -> None:
    event_id = history.events[6].envelope.id

    async def insert(admin: "asyncpg.Connection[Any]") -> None:
        await admin.execute(_COPY, event_id, None, event_id)

    async with tampered(history, insert):
        assert history.both() == {"": {"row-twice": 1}, "--content": {"row-twice": 1}}


async def test_changed_row_is_found_by_its_content(history: History) -> None:
    event_id = history.events[7].envelope.id
    update = (
        "UPDATE audit.workflow_events SET event_payload = "
        """jsonb_set(event_payload, '{outcome}', '"bad"'), source = 'x' WHERE event_id = $1"""
    )
    async with tampered(history, lambda admin: admin.execute(update, event_id)):
        assert history.both() == {"": {}, "--content": {"content-differs": 1}}
        _, told = history.reconcile("--content")
        (shown,) = told["shown"]
        assert shown["event_id"] == str(event_id)
        assert shown["columns"] == ["event_payload", "source"]


async def test_row_at_another_time_differs_at_both(history: History) -> None:
    event_id = history.events[8].envelope.id
    update = (
        "UPDATE audit.workflow_events SET occurred_at = occurred_at - interval '1 year' "
        "WHERE event_id = $1"
    )
    async with tampered(history, lambda admin: admin.execute(update, event_id)):
        code, told = history.reconcile()
        assert (code, told["differences"]) == (1, {"missing-row": 1})
        there = history.events[8].envelope.time - timedelta(days=365)
        around = ("--from", (there - FAR).isoformat(), "--to", (there + FAR).isoformat())
        code, told = history.reconcile(*around)
        assert (code, told["differences"]) == (1, {"content-differs": 1})
        assert told["shown"][0]["event_id"] == str(event_id)


async def test_row_a_little_later_is_found_by_its_time(history: History) -> None:
    event_id = history.events[8].envelope.id
    update = (
        "UPDATE audit.workflow_events SET occurred_at = occurred_at + interval '1 microsecond' "
        "WHERE event_id = $1"
    )
    async with tampered(history, lambda admin: admin.execute(update, event_id)):
        for words in ((), ("--content",)):
            code, told = history.reconcile(*words)
            assert (code, told["differences"]) == (1, {"content-differs": 1})
            (shown,) = told["shown"]
            assert (shown["event_id"], shown["columns"]) == (str(event_id), ["occurred_at"])


async def test_events_published_meanwhile_differ_in_nothing(history: History) -> None:
    published = 0

    async def publish(producer: EventProducer, stop: asyncio.Event) -> None:
        nonlocal published
        while not stop.is_set():
            await producer.send(*(step_event() for _ in range(20)))
            published += 20

    stop = asyncio.Event()
    async with event_producer(history.world) as producer:
        publishing = asyncio.create_task(publish(producer, stop))
        try:
            for words in ((), ("--content",)):
                before = published
                code, told = await asyncio.to_thread(history.reconcile, *words, to=FAR)
                assert (code, told["differences"]) == (0, {})
                assert published > before
        finally:
            stop.set()
            await publishing


async def test_sink_that_is_behind_is_no_difference(history: History) -> None:
    world = history.world
    world.stop("sink")
    try:
        async with event_producer(world) as producer:
            await producer.send(step_event())
        words = ("audit", "reconcile", "--from", history.since.isoformat(), "--wait", "0")
        done = world.dictctl(*words)
        assert (done.returncode, done.stdout) == (5, "")
        assert "workflow.step (1 messages)" in done.stderr
        assert "no sink is connected" in done.stderr
    finally:
        world.start("sink")
    code, told = history.reconcile("--wait", "600")
    assert (code, told["differences"]) == (0, {})
