"""Dead letters of the sink that an operator gives back: a row once, or a letter again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.stack import Stack
from tests.support.events import TestEvent, event_producer, step_event
from tests.support.waiting import until
from tests.support.world import World, make_world

SERVICE = "audit-sink"
WHY = "OPS-2: the clock was set"
_ROW = """
SELECT count(*) AS times, min(metadata ->> 'message_id') AS message_id
FROM audit.workflow_events WHERE event_id = $1
"""


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a sink and a desk."""
    with make_world(stack, Path(tmp_path_factory.mktemp("redriven"))) as made:
        made.start("sink", "desk", "desk-relay")
        yield made


def letters(world: World) -> list[dict[str, Any]]:
    """The sink's open letters."""
    found: list[dict[str, Any]] = world.dictctl_json("dlq", "list", "--service", SERVICE)
    return found


async def buried(world: World, event: TestEvent) -> dict[str, Any]:
    """Publishes it and waits for its letter."""
    async with event_producer(world) as producer:
        await producer.send(event)
    return await letter_of(world, event)


async def letter_of(world: World, event: TestEvent, *, besides: str = "") -> dict[str, Any]:
    """The open letter of the event, another than `besides`."""

    async def look() -> dict[str, Any] | None:
        subject = event.envelope.subject
        found = [it for it in letters(world) if it["ce_subject"] == subject]
        return next((it for it in found if it["id"] != besides), None)

    return await until(look, "an open letter") or {}


async def test_event_whose_time_has_come_stands_once_as_it_first_came(world: World) -> None:
    early = step_event(time=datetime.now(UTC) + timedelta(hours=24, seconds=8))
    letter = await buried(world, early)
    assert letter["reason"] == "time-in-future"

    async def no_longer_early() -> bool:
        return early.envelope.time < datetime.now(UTC) + timedelta(hours=24)

    await until(no_longer_early, "the event's time is near enough")
    chosen = (letter["id"], "--service", SERVICE, "--why", WHY)
    assert world.dictctl_json("dlq", "redrive", *chosen)["letters"] == 1
    database = await world.connect("operator_ro")

    async def there() -> bool:
        return bool(await database.fetchval(_ROW, early.envelope.id))

    await until(there, "the event is in the audit")
    row = await database.fetchrow(_ROW, early.envelope.id)
    await database.close()
    assert row is not None
    assert (row["times"], row["message_id"]) == (1, letter["origin_id"])
    assert letters(world) == []


async def test_what_is_still_bad_is_a_letter_again_with_its_own_reason(world: World) -> None:
    junk = replace(step_event(), outcome=None)
    letter = await buried(world, junk)
    world.dictctl_json("dlq", "redrive", letter["id"], "--service", SERVICE, "--why", WHY)
    again = await letter_of(world, junk, besides=letter["id"])
    assert (again["reason"], again["origin_id"]) == ("undecodable", letter["origin_id"])
    discarded = world.dictctl_json(
        "dlq", "discard", again["id"], "--service", SERVICE, "--why", WHY
    )
    assert discarded["letters"] == 1

    async def done_with() -> bool:
        return letters(world) == []

    await until(done_with, "no letter is open")
