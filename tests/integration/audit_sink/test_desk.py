"""The desk on real servers: its store passes the exam of its fake, letters of any size go back,
what retention took is gone, and what nobody of ours wrote is buried."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from audit_sink.adapters.postgres_letter_actions import PostgresLetterActions
from audit_sink.application.desk_ports import LetterActions
from devstack.stack import Stack
from dict_common.bus.redrive import original, redrive_topic
from dict_common.bus.sealed_topic import SealedTopic
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query
from tests.support.dead_letters import Graveyard, graveyard_of, received
from tests.support.letter_actions_suite import LetterActionsSuite
from tests.support.waiting import until
from tests.support.world import World, make_world

LARGE = 6 * 1024 * 1024
"""More than the broker takes in one piece."""


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a desk in it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("desk"))) as made:
        made.start("sink", "desk", "desk-relay")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def graveyard(world: World) -> AsyncIterator[Graveyard]:
    """Where letters are buried."""
    async with graveyard_of(world) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(world: World) -> AsyncIterator[Database]:
    """A pool in the desk's role."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
    opened = await Database.open(
        world.environment["DICT_POSTGRES_URL"], "audit_desk", PoolSize(1, 3)
    )
    yield opened
    await opened.close()
    monkeypatch.undo()


class TestPostgresLetterActions(LetterActionsSuite):
    """connect.dead_letter_actions, connect.inbox, connect.outbox."""

    @pytest.fixture(autouse=True)
    def _opened(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world

    async def actions(self) -> LetterActions:
        """Over PostgreSQL."""
        return PostgresLetterActions(self._database)

    async def told(self, id_: UUID) -> int:
        """Waiting in the outbox."""
        query = Query("told", "SELECT 1 FROM connect.outbox WHERE event_id = $1")
        return len(await self._database.fetch(query, (id_,)))

    @pytest.fixture(autouse=True)
    def _without_relay(self, world: World) -> None:
        """Nobody may empty the outbox under the exam."""
        if "desk-relay" in world.processes:
            world.stop("desk-relay")


async def outcomes(world: World, told: dict[str, Any]) -> list[str | None]:
    """What came of the letters that a redrive took, in their order."""
    service, ids = told["service"], [id_.partition("/")[2] for id_ in told["ids"]]
    connection = await world.connect("operator_ro")
    try:
        rows = await connection.fetch(
            "SELECT outcome FROM connect.dead_letter_actions "
            "WHERE topic = $1 AND message_id = ANY($2::text[]) ORDER BY place",
            f"dead-letters/{service}",
            ids,
        )
        return [row["outcome"] for row in rows]
    finally:
        await connection.close()


async def done_with(world: World, told: dict[str, Any]) -> list[str | None]:
    """The outcomes, once each letter has one."""

    async def look() -> list[str | None]:
        found = await outcomes(world, told)
        return found if len(found) == told["letters"] and None not in found else []

    return await until(look, f"the desk is done with {told['letters']} letters")


async def test_letter_in_several_chunks_goes_back_whole(world: World, graveyard: Graveyard) -> None:
    service = "audit-desk"  # its own consumer buries again what is no request of its own
    message = (await graveyard.bury(service, bytes(range(256)) * (LARGE // 256)))[0]
    consumer = await graveyard.given_back(service, "tests")
    told = world.dictctl_json("dlq", "redrive", "--service", service, "--why", "OPS-1")
    assert told["letters"] == 1
    back = original(service, await received(consumer), graveyard.rest)
    assert (back.body, back.key, back.properties) == (
        message.body,
        message.key,
        message.properties,
    )
    assert (back.topic, back.message_id, back.published_at) == (
        message.topic,
        message.message_id,
        message.published_at,
    )
    assert await done_with(world, told) == ["redriven"]

    async def again() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = world.dictctl_json("dlq", "list", "--service", service)
        return found

    (letter,) = await until(again, "it is buried anew")
    assert (letter["reason"], letter["redriven"]) == ("topic-unknown", "1")
    assert letter["consumer"] == f"{service}.tests"
    shown = world.dictctl_json("dlq", "show", letter["id"])
    assert shown["body_bytes"] == LARGE


async def test_letters_of_one_key_go_back_in_their_order(
    world: World, graveyard: Graveyard
) -> None:
    service = "audit-sink"
    bodies = [str(number).encode() for number in range(60)]
    await graveyard.bury(service, *bodies, key="one")
    consumer = await graveyard.given_back(service, "tests")
    told = world.dictctl_json(
        "dlq", "redrive", "--service", service, "--why", "OPS-1", "--rate", "1000"
    )
    assert told["letters"] == len(bodies)
    seen = [original(service, await received(consumer), graveyard.rest) for _ in bodies]
    assert [message.body for message in seen] == bodies
    assert await done_with(world, told) == ["redriven"] * len(bodies)


async def test_what_retention_took_meanwhile_is_gone_and_told(
    world: World, graveyard: Graveyard
) -> None:
    service = "claim-orchestrator"
    await graveyard.bury(service, *(str(number).encode() for number in range(8)))
    told = world.dictctl_json(
        "dlq", "redrive", "--service", service, "--why", "OPS-1", "--rate", "1"
    )
    assert told["letters"] == 8

    async def begun() -> bool:
        return "redriven" in await outcomes(world, told)

    await until(begun, "the first went back")
    world.kill("desk")  # what it has read ahead is safe from retention
    tenant = world.environment["DICT_PULSAR_TENANT"]
    admin = f"{world.environment['DICT_PULSAR_ADMIN_URL']}/admin/v2/persistent"
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for method, what in (("PUT", "unload"), ("DELETE", "truncate")):  # closed ledgers alone go
            url = f"{admin}/{tenant}/dead-letters/{service}/{what}"
            (await client.request(method, url)).raise_for_status()
    world.start("desk")
    ended = await done_with(world, told)
    assert ended[0] == "redriven"
    assert ended[-1] == "gone"
    assert "letter-gone" in world.processes["desk"].tail()


async def test_what_nobody_of_ours_wrote_is_buried(world: World, graveyard: Graveyard) -> None:
    service = "audit-desk"
    stranger = SealedTopic(
        graveyard.client, redrive_topic(graveyard.tenant, service), graveyard.rest
    )
    mark = str(uuid4())
    await stranger.publish(b"\xff junk", {"ce_subject": mark}, mark)

    async def buried() -> list[dict[str, Any]]:
        rows = world.dictctl_json("dlq", "list", "--service", service)
        return [row for row in rows if row["ce_subject"] == mark]

    (letter,) = await until(buried, "the junk is a dead letter")
    assert letter["reason"] == "redrive-unreadable"
