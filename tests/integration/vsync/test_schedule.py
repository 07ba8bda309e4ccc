"""The day's Schedule, on a real Temporal: made, compared, changed, paused, taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import ScheduleRange, ScheduleUpdate, ScheduleUpdateInput

from devstack.stack import Stack
from tests.support.world import World, make_world

SCHEDULE = ("vsync", "schedule")


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Without a process of ours; the Schedule is gone afterwards."""
    with make_world(stack, Path(tmp_path_factory.mktemp("schedule"))) as made:
        made.dictctl(*SCHEDULE, "delete")
        yield made
        made.dictctl(*SCHEDULE, "delete")


def typed(world: World, *words: str) -> str:
    """What a verb says."""
    done = world.dictctl(*SCHEDULE, *words)
    assert done.returncode == 0, done.stderr
    return done.stderr


def shown(world: World) -> Any:
    """As Temporal has it."""
    return world.dictctl_json(*SCHEDULE, "show")


async def test_the_life_of_a_schedule(world: World) -> None:
    assert world.dictctl(*SCHEDULE, "show").returncode == 4
    assert world.dictctl(*SCHEDULE, "pause").returncode == 4
    assert "would make schedule vsync-daily" in typed(world, "apply", "--dry-run")
    assert world.dictctl(*SCHEDULE, "show").returncode == 4
    assert "made schedule vsync-daily: daily at 02:00, America/Sao_Paulo" in typed(world, "apply")
    assert "nothing to do" in typed(world, "apply")
    first = shown(world)
    assert (first["hour"], first["overlap"], first["paused"]) == (2, "SKIP", False)
    assert (first["jitter_seconds"], first["catch_up_seconds"]) == (600, 21_600)
    assert first["task_queue"] == world.environment["VSYNC_TASK_QUEUE"]
    assert len(first["next_runs"]) == 3

    assert "is paused" in typed(world, "pause")
    assert "nothing to do" in typed(world, "pause")
    later = World(world.environment | {"VSYNC_SCHEDULE_HOUR": "4"}, world.folder)
    assert "hour is 2, the settings say 4" in later.dictctl(*SCHEDULE, "show").stderr
    assert "would make hour: 2 → 4" in typed(later, "apply", "--dry-run")
    assert typed(later, "apply").strip() == "made hour: 2 → 4"
    changed = shown(later)
    assert (changed["hour"], changed["paused"]) == (4, True)
    assert "is resumed" in typed(world, "resume")
    assert shown(world)["paused"] is False

    await changed_by_hand(world)
    assert shown(world)["hour"] is None
    assert "made hour: None → 2" in typed(world, "apply")
    assert "is deleted" in typed(world, "delete")
    assert world.dictctl(*SCHEDULE, "delete").returncode == 4


async def changed_by_hand(world: World) -> None:
    """Every second hour: no day's run any more."""
    client = await world.temporal()

    def often(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = found.description.schedule
        schedule.spec.calendars[0].hour = [ScheduleRange(0, 23, 2)]
        return ScheduleUpdate(schedule)

    await client.get_schedule_handle("vsync-daily").update(often)
