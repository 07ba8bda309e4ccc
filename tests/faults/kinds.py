"""What seeds may be about: each kind has its plans, its stage and its judge."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from devstack.stack import Stack
from tests.faults import planning, seed_run, stage
from tests.faults.results import Line
from tests.faults.sink import plan as sink_plan
from tests.faults.sink import run as sink_run
from tests.faults.sink import stage as sink_stage
from tests.faults.vsync import planning as vsync_planning
from tests.faults.vsync import run as vsync_run
from tests.faults.vsync import stage as vsync_stage


class Planned(Protocol):
    """A plan of any kind."""

    @property
    def planted(self) -> tuple[str, ...]:
        """Personal values in it."""


@dataclass(frozen=True)
class Kind:
    """`make_stage`: a world on a stack, True if its servers may be killed."""

    name: str
    plan_of: Callable[[int], Planned]
    make_stage: Callable[[Stack, Path, bool], AbstractContextManager[Any]]
    run_seed: Callable[[int, Any, str], Coroutine[Any, Any, Line]]


def _claims(stack: Stack, folder: Path, servers: bool) -> AbstractContextManager[stage.Stage]:
    return stage.make_stage(stack, folder, servers=servers)


def _sink(
    stack: Stack, folder: Path, servers: bool
) -> AbstractContextManager[sink_stage.SinkStage]:
    return sink_stage.make_sink_stage(stack, folder, servers=servers)


def _vsync(
    stack: Stack, folder: Path, servers: bool
) -> AbstractContextManager[vsync_stage.VsyncStage]:
    return vsync_stage.make_vsync_stage(stack, folder, servers=servers)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("claims", planning.plan_of, _claims, seed_run.run_seed),
        Kind("sink", sink_plan.plan_of, _sink, sink_run.run_seed),
        Kind("vsync", vsync_planning.plan_of, _vsync, vsync_run.run_seed),
    )
}
