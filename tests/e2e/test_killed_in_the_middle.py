"""All of ours is killed while a claim is under way: it ends once, and every promise holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.planted import Needles, needles_of
from devstack.promises import keep_promises
from devstack.stack import Stack
from tests.support.core import PERSONAL, OtherSide, create_claim, other_side
from tests.support.waiting import until
from tests.support.world import World, make_world

OURS = ("consumer", "worker", "relay", "sink")


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """A world in which everything of ours runs."""
    with make_world(stack, tmp_path) as made:
        made.start("simulator", *OURS)
        yield made


@pytest.fixture
def donor(world: World) -> Iterator[OtherSide]:
    """The other participant."""
    with other_side(world) as side:
        side.seed()
        yield side


def kill_and_restart(world: World, *names: str) -> None:
    """SIGKILL each, then start all of them anew."""
    for name in names:
        world.kill(name)
    world.start(*names)


async def status(world: World, claim_id: object) -> Any:
    """(our status, DICT's status, DICT's id) of a claim."""
    connection = await world.connect("operator_ro")
    try:
        return await connection.fetchrow(
            "SELECT status, dict_status, dict_claim_id::text FROM workflows.claim_workflows "
            "WHERE claim_id = $1",
            claim_id,
        )
    finally:
        await connection.close()


async def test_claim_ends_once_though_everything_was_killed(world: World, donor: OtherSide) -> None:
    world.kill("consumer")
    claim_id = create_claim(world)  # nobody is there to take it
    world.start("consumer")

    async def at(wanted: str) -> Any:
        row = await status(world, claim_id)
        return row if row and row["dict_status"] == wanted else None

    row = await until(lambda: at("OPEN"), "the claim is OPEN")
    kill_and_restart(world, "simulator", "relay", "sink")
    donor.act(row["dict_claim_id"], "ACKNOWLEDGE")
    kill_and_restart(world, "worker", "consumer")
    await until(lambda: at("WAITING_RESOLUTION"), "the donor's note is known")
    world.kill("relay")
    donor.act(row["dict_claim_id"], "CONFIRM", "USER_REQUESTED")
    kill_and_restart(world, "worker")
    await until(lambda: at("COMPLETED"), "the claim is COMPLETED")
    kill_and_restart(world, "sink")
    world.start("relay")

    async def kept() -> bool:
        found = await keep_promises(world.environment)
        return not any(promise.broken for promise in found)

    async def told() -> bool:
        return "entry.transferred" in world.dictctl("claim", "timeline", str(claim_id)).stdout

    await until(told, "the transfer is in the audit")
    await until(kept, "every promise holds")
    assert len(donor.operations("CompleteClaim")) == 1
    logs = b"".join(path.read_bytes() for path in world.folder.glob("*.log"))
    assert not [name for name, needle in needles_of(PERSONAL) if needle in logs]
    assert [world.stop(name) for name in OURS] == [0, 0, 0, 0]


def test_needles_find_what_is_planted_in_every_form() -> None:
    needles = dict.fromkeys(needle for _, needle in needles_of(PERSONAL))
    assert "João Silva".encode() in needles
    assert rb"Jo\u00e3o Silva" in needles
    assert b"+5561988880000" in needles


def test_needles_are_found_wherever_they_stand() -> None:
    needles = Needles(PERSONAL)
    for name, needle in needles_of(PERSONAL):
        assert needles.found_in(b"+5+556" + needle + b"\x00" + needle) == [name]
    assert needles.found_in(b"+556198888000 Jo\xc3\xa3o Silv") == []
