"""A portability through topics, dictctl and DICT's ledger, as Core and operators see it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from devstack.stack import Stack
from tests.support.core import PERSONAL, OtherSide, create_claim, other_side
from tests.support.following import row_of
from tests.support.waiting import until
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything of ours runs."""
    with make_world(stack, Path(tmp_path_factory.mktemp("portability"))) as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        yield made


@pytest.fixture(scope="module")
def donor(world: World) -> Iterator[OtherSide]:
    """The other participant."""
    with other_side(world) as side:
        side.seed()
        yield side


async def test_claim_is_opened_confirmed_completed_and_transferred(
    world: World, donor: OtherSide
) -> None:
    claim_id, command_id = uuid4(), uuid4()
    for _ in range(3):  # the same command three times is one claim
        create_claim(world, claim_id, command_id)

    async def opened() -> Any:
        row = await row_of(world, claim_id)
        return row if row and row["dict_claim_id"] else None

    row = await until(opened, "the claim is OPEN at DICT")
    donor.act(str(row["dict_claim_id"]), "ACKNOWLEDGE")
    donor.act(str(row["dict_claim_id"]), "CONFIRM", "USER_REQUESTED")

    async def told() -> list[Any]:
        done = world.dictctl("audit", "search", "--claim", str(claim_id))
        return events(world, claim_id) if "entry.transferred" in done.stdout else []

    rows = await until(told, "entry.transferred is in the audit")
    sequences = [event["aggregate_sequence"] for event in rows]
    assert sequences == list(range(1, len(rows) + 1))
    business = [it["event_subtype"] for it in rows if it["event_subtype"] != "workflow.step"]
    assert business[0] == "claim.created"
    assert business[-3:] == ["claim.confirmed", "claim.completed", "entry.transferred"]
    row = await row_of(world, claim_id)
    assert (row["status"], row["resolution_type"]) == ("COMPLETED", "APPROVED")
    assert row["version"] == len(rows)
    (completed,) = donor.operations("CompleteClaim")
    assert completed.request_id == str(row["complete_request_id"])
    assert len(donor.operations("CreateClaim")) == 1
    text = world.dictctl("audit", "search", "--claim", str(claim_id), "-o", "json").stdout
    assert not [value for value in PERSONAL if value in text]


def events(world: World, claim_id: UUID) -> list[Any]:
    """The claim's events in the audit, each once, by sequence."""
    found: list[Any] = world.dictctl_json("audit", "search", "--claim", str(claim_id))
    return found
