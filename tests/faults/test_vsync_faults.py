"""Some seeds of VSYNC; the others are run by `python -m tests.faults --kind vsync`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.stack import Stack
from tests.faults.plan import is_for_servers
from tests.faults.vsync.planning import plan_of
from tests.faults.vsync.run import run_seed
from tests.faults.vsync.stage import VsyncStage, make_vsync_stage

SEEDS = (3, 6, 8, 11)
SERVER_SEED = 5


@pytest.fixture(scope="module")
def stage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VsyncStage]:
    """One world for all seeds."""
    with make_vsync_stage(stack, tmp_path_factory.mktemp("vsync-seeds")) as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
async def test_seed_breaks_no_promise(stage: VsyncStage, seed: int) -> None:
    line = await run_seed(seed, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(seed)}\n{line.broken}"


async def test_seed_that_kills_a_server_breaks_no_promise(servers: Stack, tmp_path: Path) -> None:
    assert is_for_servers(SERVER_SEED)
    with make_vsync_stage(servers, tmp_path, servers=True) as stage:
        line = await run_seed(SERVER_SEED, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(SERVER_SEED)}\n{line.broken}"
