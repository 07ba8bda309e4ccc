"""A topic that comes while a sink runs is audited from its first event on, without a restart."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from devstack.stack import Stack
from dict_schemas import avro
from tests.support.events import STEP, event_producer, step_event
from tests.support.publishing import core_of
from tests.support.waiting import until
from tests.support.world import World, make_world

KNOWN = "otp.validated"
STRANGE = "account.opened"
FOUND_SECONDS_MAX = 600.0
"""The sink looks for topics every 30 s; a busy machine takes its time over each look."""


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose broker lacks a topic of this release, as before `dictctl topics apply`."""
    with make_world(stack, Path(tmp_path_factory.mktemp("new-topic"))) as made:
        with admin(made) as broker:
            broker.delete(f"{topic_path(made, KNOWN)}/partitions?force=true").raise_for_status()
        made.start("sink")
        yield made


def admin(world: World) -> httpx.Client:
    """The broker's admin interface."""
    url = f"{world.environment['DICT_PULSAR_ADMIN_URL']}/admin/v2/"
    return httpx.Client(base_url=url, timeout=30, trust_env=False)


def topic_path(world: World, name: str, kind: str = "persistent") -> str:
    """Where the admin interface has an event's topic."""
    return f"{kind}/{world.environment['DICT_PULSAR_TENANT']}/events/{name}"


@asynccontextmanager
async def same_sink(world: World) -> AsyncIterator[None]:
    """The process that took events before takes them afterwards, and its work began once."""
    sink = world.processes["sink"]
    await stands(world, await published(world))
    yield
    await stands(world, await published(world))
    assert world.processes["sink"] is sink
    assert sink.process.poll() is None
    log = sink.log.read_text()
    assert log.count("process-starting") == 1
    assert "server-away" not in log, "the work began anew inside the process"


async def published(world: World) -> str:
    """An event of a topic that was there; its subject."""
    event = step_event()
    async with event_producer(world) as producer:
        await producer.send(event)
    return event.envelope.subject


async def stands(world: World, subject: str) -> list[Any]:
    """The rows of the aggregate, once there is one."""
    database = await world.connect("operator_ro")

    async def look() -> list[Any]:
        return await database.fetch(
            "SELECT event_subtype FROM audit.workflow_events WHERE aggregate_id = $1", subject
        )

    try:
        return await until(look, f"an event of {subject} is in the audit", FOUND_SECONDS_MAX)
    finally:
        await database.close()


async def test_topic_of_this_release_is_found_while_the_sink_runs(world: World) -> None:
    async with same_sink(world), core_of(world) as core:
        applied = world.dictctl("topics", "apply")
        assert f"/events/{KNOWN}" in applied.stderr
        first = await core.proves(uuid4(), datetime.now(UTC))
        rows = await stands(world, str(first))
        assert [row["event_subtype"] for row in rows] == [KNOWN]


async def test_events_of_a_topic_that_this_release_does_not_know_are_kept(world: World) -> None:
    with admin(world) as broker:
        topic = topic_path(world, STRANGE)
        broker.put(f"{topic}/partitions", json=2).raise_for_status()
        schema = {"type": "AVRO", "schema": _definition(), "properties": {}}
        path = f"{topic_path(world, STRANGE, 'schemas')}/schema"
        broker.post(path, json=schema).raise_for_status()
    event = step_event(type=STRANGE)

    async def letter() -> list[str]:
        rows = world.dictctl_json("dlq", "list", "--service", "audit-sink")
        return [row["reason"] for row in rows if row["ce_subject"] == event.envelope.subject]

    async with same_sink(world), event_producer(world, STRANGE) as producer:
        await producer.send(event)
        assert await until(letter, "a dead letter", FOUND_SECONDS_MAX) == ["topic-unknown"]


def _definition() -> str:
    return json.dumps(avro.definition(STEP))
