"""A completed claim and VSYNC: the key that came stands in our base with DICT's own CID."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.stack import Stack
from tests.support.core import create_claim, other_side
from tests.support.following import row_of
from tests.support.vsync_scenes import bank_of
from tests.support.waiting import until
from tests.support.world import World, make_world

PROCESSES = (
    *("simulator", "consumer", "worker", "relay"),
    *("vsync", "vsync-worker", "vsync-relay", "sink"),
)


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Claims and VSYNC side by side."""
    with make_world(stack, Path(tmp_path_factory.mktemp("transfer"))) as made:
        made.start(*PROCESSES)
        yield made


async def test_a_key_that_a_claim_has_brought_is_proven(world: World) -> None:
    with other_side(world) as donor:
        donor.seed()
        claim_id = create_claim(world)

        async def opened() -> Any:
            row = await row_of(world, claim_id)
            return row if row and row["dict_claim_id"] else None

        row = await until(opened, "the claim is OPEN at DICT")
        donor.act(str(row["dict_claim_id"]), "ACKNOWLEDGE")
        donor.act(str(row["dict_claim_id"]), "CONFIRM", "USER_REQUESTED")
    async with bank_of(world) as bank:

        async def arrived() -> list[dict[str, Any]]:
            return await bank.rows("SELECT source FROM vsync.entries WHERE active")

        assert await until(arrived, "the entry is in our base") == [{"source": "CLAIM"}]
        payload = (await bank.run())["event_payload"]
    assert (payload["result"], payload["discrepancies"]) == ("COMPLETED", 0)
    assert payload["entries_synced"] == 1
