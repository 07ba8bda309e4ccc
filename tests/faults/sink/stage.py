"""Two sinks in a world, each with a list of deaths; whoever has died is started again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devstack.stack import Stack
from tests.faults.sink.plan import SINKS, SinkPlan
from tests.faults.stage import Watch
from tests.support.processes import OwnProcess, free_address, start_process
from tests.support.world import World, make_world

DYING = "tests.support.sink_that_dies"
LIVING = "audit_sink.entrypoints.sink"


@dataclass
class SinkStage:
    """`servers`: stack whose servers may be killed, None if shared."""

    world: World
    servers: Stack | None
    died: list[str] = field(default_factory=list)
    _waiting: list[list[str]] = field(default_factory=lambda: [[] for _ in range(SINKS)])
    _running: list[tuple[OwnProcess, str] | None] = field(default_factory=lambda: [None] * SINKS)

    def begin(self, plan: SinkPlan) -> None:
        """Both sinks, each on the way to its first death."""
        self.died = []
        self._waiting = [list(deaths) for deaths in plan.deaths]
        self.revive()

    def revive(self) -> None:
        """What a platform does: a process that has ended is started again."""
        for number in range(SINKS):
            current = self._running[number]
            if current is not None and current[0].process.poll() is None:
                continue
            if current is not None:
                current[0].stop()
                self.died.append(current[1] or "ended by itself")
            death = self._waiting[number].pop(0) if self._waiting[number] else ""
            self._running[number] = (self._start(number, death), death)

    def end(self) -> None:
        """Both stop; a death that did not come is no finding."""
        for number, current in enumerate(self._running):
            if current is not None:
                current[0].stop()
            self._running[number] = None

    async def kill_server(self, target: str) -> None:
        """SIGKILL."""
        assert self.servers is not None
        await asyncio.to_thread(self.servers.kill, target)

    async def start_server(self, target: str) -> None:
        """Again, and waits until it answers."""
        assert self.servers is not None
        await asyncio.to_thread(self.servers.start, target)

    def _start(self, number: int, death: str) -> OwnProcess:
        environment = self.world.environment | {"DICT_PROBE_ADDRESS": free_address()}
        log = self.world.folder / f"sink-{number}.log"
        module = DYING if death else LIVING
        return start_process(module, environment | {"SINK_DIES": death}, log, grpc=False)


@contextmanager
def make_sink_stage(stack: Stack, folder: Path, *, servers: bool = False) -> Iterator[SinkStage]:
    """A world on `stack` in which nothing of ours runs yet."""
    with make_world(stack, folder) as world:
        stage = SinkStage(world, stack if servers else None)
        try:
            yield stage
        finally:
            stage.end()


def watch_of(stage: SinkStage) -> Watch:
    """The world's database."""
    return Watch(stage.world)
