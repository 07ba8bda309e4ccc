"""Half a message holds nobody up: the sink is done with it, and reconciling finds all equal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devstack.stack import Stack
from tests.support.events import event_producer, step_event
from tests.support.half_message import leave_half_a_message
from tests.support.waiting import until
from tests.support.world import World, make_world

DONE_SECONDS_MAX = 900.0
"""The client gives a message a minute to become whole; the sink looks for what waits all the time,
and connects anew where nothing comes."""


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With a sink, on a quiet broker."""
    with make_world(stack, Path(tmp_path_factory.mktemp("half"))) as made:
        made.start("sink")
        yield made


async def test_half_a_message_is_let_go_of_and_the_audit_is_whole(world: World) -> None:
    begun = datetime.now(UTC) - timedelta(hours=1)
    event = step_event()
    async with event_producer(world) as producer:
        await producer.send(event)
    await leave_half_a_message(world, event.envelope.type)
    asked = ("audit", "reconcile", "--from", begun.isoformat(), "-o", "json")

    async def equal() -> bool:
        return world.dictctl(*asked).returncode == 0

    await until(equal, "the audit is reconciled", DONE_SECONDS_MAX)
    told = world.dictctl_json(*asked)
    assert (told["messages"], told["rows"]) == (1, 1)
    sink = world.processes["sink"].log.read_text()
    assert sink.count("events-held-back") <= 3
