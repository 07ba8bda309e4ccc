"""Five seeds of many: the others are run by `python -m tests.faults`, see docs/faults.md."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.fetch.view import fetch_quietly
from devstack.planted import look_for
from devstack.stack import Stack
from tests.faults.plan import is_for_servers
from tests.faults.planning import plan_of
from tests.faults.seed_run import run_seed
from tests.faults.stage import Stage, make_stage

SEEDS = (3, 7, 8, 19)
"""Of each kind of process one is killed: in a transaction, before and after its effect."""
SERVER_SEED = 15


@pytest.fixture(scope="module")
def stage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all seeds."""
    with make_stage(stack, tmp_path_factory.mktemp("seeds")) as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
async def test_seed_breaks_no_promise(stage: Stage, seed: int) -> None:
    line = await run_seed(seed, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(seed)}"


def test_nothing_planted_stands_in_clear_afterwards(stage: Stage) -> None:
    planted = [value for seed in SEEDS for value in plan_of(seed).planted]
    tools = fetch_quietly(threading.Event(), frozenset())
    world = stage.world
    found = look_for(planted, world.environment, world.folder, tools.postgres_bin / "pg_dump")
    assert not found.broken


async def test_seed_that_kills_a_server_breaks_no_promise(servers: Stack, tmp_path: Path) -> None:
    assert is_for_servers(SERVER_SEED)
    with make_stage(servers, tmp_path, servers=True) as stage:
        line = await run_seed(SERVER_SEED, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(SERVER_SEED)}"
