"""Replays as operators ask for them: the same rows again, whatever is killed, held or beside it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from benchmarks.audit_events import events
from benchmarks.audit_feed import Feed
from devstack.stack import Stack
from dict_common.console.failures import Exit
from tests.support.audit_evidence import broken_evidence
from tests.support.events import EventProducer, event_producer, step_event
from tests.support.waiting import until
from tests.support.world import World, make_world

MANY = 8_000
SINK_SIDE = ("sink", "desk", "desk-relay", "replayer")
COUNTS = ("outside", "new_rows", "duplicates", "refused")


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which whole lives were audited before."""
    with make_world(stack, Path(tmp_path_factory.mktemp("replay"))) as made:
        made.start(*SINK_SIDE)
        publish(made, MANY)
        yield made


def publish(world: World, count: int) -> None:
    """Events of whole lives, in batches of their producers."""
    feed = Feed(world, batching=True)
    feed.publish(events(count))
    feed.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser's connection, once all lives are audited."""
    connection = await world.connect()

    async def audited() -> bool:
        return await rows(connection) >= MANY

    await until(audited, "all is audited")
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def producer(world: World) -> AsyncIterator[EventProducer]:
    """Whoever publishes single events."""
    async with event_producer(world) as made:
        yield made


async def rows(database: "asyncpg.Connection[Any]", schema: str = "audit") -> int:
    """Of the audit or of a sandbox."""
    return int(await database.fetchval(f"SELECT count(*) FROM {schema}.workflow_events"))


def start(world: World, *options: str) -> str:
    """Asks for a replay; its run id."""
    told = world.dictctl_json("replay", "start", "--why", "OPS-1", *options)
    return str(told["run_id"])


async def status_when(world: World, run_id: str, *states: str) -> dict[str, Any]:
    """The run as an operator sees it, once it is in one of these states."""

    async def look(database: "asyncpg.Connection[Any]") -> bool:
        query = "SELECT state FROM connect.replays WHERE run_id = $1"
        return await database.fetchval(query, run_id) in states

    await _watched(world, look, f"{run_id} is {states}")
    (run,) = [it for it in world.dictctl_json("replay", "status") if it["run_id"] == run_id]
    return dict(run)


async def begun(world: World, run_id: str) -> None:
    """Until the run has stored something."""

    async def look(database: "asyncpg.Connection[Any]") -> bool:
        query = "SELECT sum(messages) FROM connect.replay_spans WHERE run_id = $1"
        return bool(await database.fetchval(query, run_id))

    await _watched(world, look, f"{run_id} has begun")


async def _watched(
    world: World, look: Callable[["asyncpg.Connection[Any]"], Awaitable[bool]], what: str
) -> None:
    """In the table, where a look costs nothing."""
    database = await world.connect()
    try:
        await until(lambda: look(database), what)
    finally:
        await database.close()


def counts(run: dict[str, Any]) -> dict[str, int]:
    """What became of its messages; they add up."""
    found = {name: int(run[name]) for name in COUNTS}
    assert sum(found.values()) == run["messages"]
    return found


async def test_sandbox_equals_the_audit_while_the_sink_goes_on(
    world: World, database: "asyncpg.Connection[Any]", producer: EventProducer
) -> None:
    twice, junk, once, again = (step_event() for _ in range(4))
    again = replace(again, envelope=once.envelope._replace(sequence=2))
    await producer.send(twice, twice, replace(junk, outcome=None), once, again)
    feeding = asyncio.create_task(asyncio.to_thread(publish, world, 2_000))
    run_id = start(world, "--sandbox")
    run = await status_when(world, run_id, "COMPLETED")
    await feeding
    assert run["new_rows"] >= MANY
    assert counts(run)["refused"] == 2
    whole = world.dictctl_json("replay", "status", run_id)
    assert {it["reason_code"] for it in whole["refusals"]} == {"undecodable", "event-id-reused"}
    assert all(span["done"] for span in whole["spans"])
    schema = f"replay_{run_id.replace('-', '')}"
    assert await rows(database, schema) == run["new_rows"]
    compared = world.dictctl_json("replay", "compare", run_id)
    assert (compared["rows"], compared["differences"]) == (run["new_rows"], 0)
    assert world.dictctl("replay", "compare", run_id).returncode == Exit.OK


async def test_what_differs_is_told(world: World, database: "asyncpg.Connection[Any]") -> None:
    run_id = start(world, "--sandbox", "--topic", "claim.confirmed")
    await status_when(world, run_id, "COMPLETED")
    changed, gone = await database.fetch(
        "SELECT event_id FROM audit.workflow_events WHERE event_subtype = 'claim.confirmed' LIMIT 2"
    )
    await database.execute(
        'UPDATE audit.workflow_events SET event_payload = event_payload || \'{"reason": "x"}\' '
        "WHERE event_id = $1",
        changed["event_id"],
    )
    schema = f"replay_{run_id.replace('-', '')}"
    await database.execute(
        f"DELETE FROM {schema}.workflow_events WHERE event_id = $1", gone["event_id"]
    )
    told = world.dictctl("replay", "compare", run_id, "-o", "json")
    assert told.returncode == Exit.FAILED
    found = {it["event_id"]: it["difference"] for it in json.loads(told.stdout)["found"]}
    assert found == {str(changed["event_id"]): "differs", str(gone["event_id"]): "only-in-audit"}
    await database.execute(
        "UPDATE audit.workflow_events SET event_payload = event_payload - 'reason' || "
        f"jsonb_build_object('reason', (SELECT event_payload -> 'reason' FROM {schema}."
        "workflow_events WHERE event_id = $1)) WHERE event_id = $1",
        changed["event_id"],
    )


async def test_killed_replayer_goes_on_where_it_was(world: World) -> None:
    run_id = start(world, "--sandbox")
    for _ in range(2):
        await begun(world, run_id)
        world.kill("replayer")
        world.start("replayer")
    run = await status_when(world, run_id, "COMPLETED")
    assert counts(run)["new_rows"] >= MANY
    assert world.dictctl_json("replay", "compare", run_id)["differences"] == 0


async def test_paused_and_resumed_while_another_runs(world: World) -> None:
    held = start(world, "--sandbox")
    await status_when(world, held, "RUNNING", "COMPLETED")
    paused = world.dictctl("replay", "pause", held, "--why", "OPS-2")
    assert paused.returncode in {Exit.OK, Exit.CONFLICT}
    run = await status_when(world, held, "PAUSED", "COMPLETED")
    other = start(world, "--topic", "workflow.step")
    ended = await status_when(world, other, "COMPLETED")
    assert counts(ended)["new_rows"] == 0
    assert (await status_when(world, held, run["state"]))["messages"] == run["messages"]
    if run["state"] == "PAUSED":
        resumed = world.dictctl("replay", "resume", held, "--why", "OPS-3")
        assert resumed.returncode == Exit.OK, resumed.stderr
    run = await status_when(world, held, "COMPLETED")
    assert world.dictctl_json("replay", "compare", held)["differences"] == 0


async def test_cancelled_or_dropped_sandbox_is_gone(
    world: World, database: "asyncpg.Connection[Any]"
) -> None:
    ended, cancelled = (
        start(world, "--sandbox", "--topic", "claim.created"),
        start(world, "--sandbox"),
    )
    await status_when(world, ended, "COMPLETED")
    assert world.dictctl("replay", "drop", ended, "--why", "OPS-4").returncode == Exit.OK
    world.dictctl("replay", "cancel", cancelled, "--why", "OPS-5")
    if (await status_when(world, cancelled, "CANCELLED", "COMPLETED"))["state"] == "COMPLETED":
        assert world.dictctl("replay", "drop", cancelled, "--why", "OPS-5").returncode == Exit.OK

    async def gone() -> bool:
        names = [f"replay_{run_id.replace('-', '')}" for run_id in (ended, cancelled)]
        left = await database.fetchval(
            "SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)", names
        )
        return not left

    await until(gone, "both schemas are gone")
    refused = world.dictctl("replay", "compare", ended)
    assert refused.returncode == Exit.CONFLICT
    assert "DROPPED" in refused.stderr


async def test_lost_audit_is_rebuilt_from_the_topics(
    world: World, database: "asyncpg.Connection[Any]"
) -> None:
    before = start(world, "--sandbox")
    await status_when(world, before, "COMPLETED")
    world.stop("sink")
    await database.execute(
        "TRUNCATE audit.workflow_events, audit.event_ids, audit.batches, audit.batch_parts"
    )
    run_id = start(world)
    run = await status_when(world, run_id, "COMPLETED")
    assert counts(run)["new_rows"] >= MANY
    assert world.dictctl_json("replay", "compare", before)["differences"] == 0
    assert await broken_evidence(database) == []
    world.start("sink")


async def test_what_cannot_be_is_refused(world: World) -> None:
    nobody = "0190a8f2-6c1e-7c3a-9b1d-2f4e5a6b7c90"
    for code, words in (
        (Exit.USAGE, ("start", "--why", "OPS-1", "--topic", "claim.create")),
        (Exit.USAGE, ("start", "--why", "OPS-1", "--from", "2026-02-01", "--to", "2026-01-01")),
        (Exit.USAGE, ("start", "--why", "call 11987654321")),
        (Exit.USAGE, ("pause", "x", "--why", "OPS-1")),
        (Exit.NOT_FOUND, ("status", nobody)),
        (Exit.NOT_FOUND, ("cancel", nobody, "--why", "OPS-1")),
    ):
        done = world.dictctl("replay", *words)
        assert done.returncode == code, (words, done.stderr)
    run_id = start(world, "--topic", "claim.created", "--to", "2020-01-01")
    run = await status_when(world, run_id, "COMPLETED")
    assert (run["messages"], run["progress"]) == (0, "100 %")
    done = world.dictctl("replay", "resume", run_id, "--why", "OPS-1")
    assert done.returncode == Exit.CONFLICT


async def test_planned_without_a_trace(world: World) -> None:
    planned = world.dictctl_json("replay", "plan", "--topic", "claim.created")
    (topic,) = planned["topics"]
    assert 0 < topic["entries"] <= MANY
    assert planned["estimated_seconds"] is not None
    before = world.dictctl_json("replay", "status")
    dry = world.dictctl_json("replay", "start", "--why", "OPS-1", "--dry-run")
    assert not dry["published"]
    assert world.dictctl_json("replay", "status") == before
