"""Some seeds of the sink; the others are run by `python -m tests.faults --kind sink`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.stack import Stack
from tests.faults.plan import is_for_servers
from tests.faults.sink.plan import plan_of
from tests.faults.sink.run import judge, play, run_seed
from tests.faults.sink.stage import SinkStage, make_sink_stage, watch_of
from tests.support.sink_that_dies import POINTS

SEEDS = (3, 4, 6, 8)
SERVER_SEED = 5
SEEN = 200


@pytest.fixture(scope="module")
def stage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkStage]:
    """One world for all seeds."""
    with make_sink_stage(stack, tmp_path_factory.mktemp("sink-seeds")) as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
async def test_seed_breaks_no_promise(stage: SinkStage, seed: int) -> None:
    line = await run_seed(seed, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(seed)}"


async def test_seed_that_kills_a_server_breaks_no_promise(servers: Stack, tmp_path: Path) -> None:
    assert is_for_servers(SERVER_SEED)
    with make_sink_stage(servers, tmp_path, servers=True) as stage:
        line = await run_seed(SERVER_SEED, stage, "tested")
    assert not line.broken, f"{line}\n{plan_of(SERVER_SEED)}"


async def test_judge_sees_a_row_that_is_gone(stage: SinkStage) -> None:
    published = await play(plan_of(2), stage)
    watch = watch_of(stage)
    assert await judge(published, stage, watch) == []
    gone = published.good[0].envelope
    await watch.rows(
        "UPDATE audit.workflow_events SET event_id = gen_random_uuid() WHERE event_id = $1", gone.id
    )
    broken = await judge(published, stage, watch, seconds=0)
    stage.end()
    watch.drop()
    assert [what.partition(":")[0] for what in broken] == ["P1", "P10", "evidence", "evidence"]


def test_seeds_reach_every_point() -> None:
    deaths = [death for seed in range(SEEN) for sink in plan_of(seed).deaths for death in sink]
    assert {death.partition(":")[0] for death in deaths} == set(POINTS)


def test_seed_is_the_same_plan_for_ever() -> None:
    assert [plan_of(seed) for seed in range(20)] == [plan_of(seed) for seed in range(20)]
