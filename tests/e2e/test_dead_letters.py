"""Dead letters by `dictctl dlq` alone: listed, given back once what was wrong is mended, discarded.

What was wrong: Core seals to a key that the consumer does not have yet, as when a rotation reached
Core first. What mends it: the consumer is given the keyset.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from devstack.stack import Stack
from dict_common.secrecy.keysets import generated, write_secret
from tests.support.following import row_when
from tests.support.publishing import core_of, properties, record
from tests.support.waiting import until
from tests.support.world import World, make_world

SERVICE = "claim-orchestrator"
WHY = "OPS-1: the keyset came late"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a desk; the consumer is each test's own."""
    with make_world(stack, Path(tmp_path_factory.mktemp("letters"))) as made:
        made.start("simulator", "relay", "sink", "desk", "desk-relay")
        yield made


def behind_a_rotation(world: World) -> World:
    """The same world for a consumer that lacks the key that commands are sealed to."""
    keys = world.folder / "keys-behind"
    if not keys.exists():
        shutil.copytree(world.environment["DICT_KEYS_DIR"], keys)
        (keys / "command-private.json").unlink()
        write_secret(keys / "command-private.json", generated("command-private"))
    return World(world.environment | {"DICT_KEYS_DIR": str(keys)}, world.folder)


def letters(world: World, *arguments: str) -> list[dict[str, Any]]:
    """The dead letters of claim-orchestrator as an operator lists them."""
    found: list[dict[str, Any]] = world.dictctl_json(
        "dlq", "list", "--service", SERVICE, "--limit", "10000", *arguments
    )
    return found


async def buried(world: World, many: int) -> list[UUID]:
    """So many claims whose command the consumer could not open; it is mended when this returns."""
    before = len(letters(world))
    behind = behind_a_rotation(world)
    behind.start("consumer")
    claims = [uuid4() for _ in range(many)]
    async with core_of(world) as core:
        for claim_id in claims:
            await core.send(str(claim_id), core.sealed(record(claim_id)), properties(claim_id))

    async def all_lie_there() -> bool:
        return len(letters(world)) == before + many

    await until(all_lie_there, f"{many} letters")
    behind.end()
    world.start("consumer")
    return claims


async def acts(world: World) -> list[Any]:
    """What the audit has of operators' acts, oldest first."""
    connection = await world.connect("operator_ro")
    try:
        return list(
            await connection.fetch(
                "SELECT event_payload FROM audit.workflow_events "
                "WHERE event_subtype = 'operator.acted' ORDER BY occurred_at"
            )
        )
    finally:
        await connection.close()


async def outcomes(world: World) -> dict[str, str | None]:
    """Message id to what came of the letter, None while it waits."""
    connection = await world.connect("operator_ro")
    try:
        rows = await connection.fetch("SELECT message_id, outcome FROM connect.dead_letter_actions")
        return {row["message_id"]: row["outcome"] for row in rows}
    finally:
        await connection.close()


async def test_letter_is_listed_tried_given_back_and_done_once(world: World) -> None:
    (claim_id,) = await buried(world, 1)
    (letter,) = letters(world)
    assert (letter["reason"], letter["action"]) == ("ciphertext-invalid", None)
    chosen = ("--service", SERVICE, "--reason", "ciphertext-invalid", "--why", WHY)
    tried = world.dictctl_json("dlq", "redrive", *chosen, "--dry-run")
    assert (tried["ids"], tried["published"]) == ([letter["id"]], False)
    assert await outcomes(world) == {}
    done = world.dictctl_json("dlq", "redrive", *chosen)
    assert (done["letters"], len(done["requests"])) == (1, 1)
    row = await row_when(world, claim_id, "stored")
    assert row["claim_id"] == claim_id

    async def noted() -> bool:
        return list((await outcomes(world)).values()) == ["redriven"]

    await until(noted, "the letter is noted as redriven")
    assert letters(world) == []
    (seen,) = letters(world, "--all")
    assert (seen["id"], seen["action"], seen["outcome"]) == (letter["id"], "redrive", "redriven")
    assert (seen["operator"], seen["why"]) == ("developer", WHY)
    again = world.dictctl("dlq", "redrive", *chosen)
    assert (again.returncode, "nothing is left to do" in again.stderr) == (0, True)
    by_id = world.dictctl_json("dlq", "redrive", letter["id"], "--why", WHY)
    assert (by_id["letters"], by_id["skipped"], by_id["requests"]) == (0, 1, [])
    assert world.stop("consumer") == 0
