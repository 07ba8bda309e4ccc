"""A world whose processes are killed on purpose, and started again when they end by themselves."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from devstack.stack import Stack
from tests.faults.plan import DAY_SECONDS
from tests.faults.planning import OURS, SERVERS
from tests.support.world import World, make_world

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""How asyncpg tells that PostgreSQL was killed under it."""
POLL_SECONDS = 0.02
LOOK_SECONDS_MAX = 15.0
SIMULATOR_STATE = "bridge-simulator.db"


async def seen(look: Callable[[], Any], seconds: float) -> bool:
    """Whether `look` (plain or awaitable) became true within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)


async def pause(seconds: float) -> None:
    """A time of the plan, not a wait for something."""
    await asyncio.sleep(max(0.0, seconds))


@dataclass
class Watch:
    """The world's database through a connection that may break."""

    world: World
    _connection: "asyncpg.Connection[Any] | None" = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rows(self, query: str, *values: object) -> "list[asyncpg.Record] | None":
        """None while PostgreSQL is away."""
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self.world.connect()
                return await self._connection.fetch(query, *values, timeout=LOOK_SECONDS_MAX)
            except AWAY:
                self.drop()
                return None

    def drop(self) -> None:
        """Forgets the connection."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.terminate()
        self._connection = None


@dataclass
class Stage:
    """Where seeds are played. `servers`: stack whose servers may be killed, None if shared.

    `ours`: the processes that run in it.
    """

    world: World
    servers: Stack | None
    ours: tuple[str, ...] = OURS
    away: set[str] = field(default_factory=set)
    revived: int = 0

    async def kill(self, target: str) -> None:
        """SIGKILL; it stays away until `start`."""
        self.away.add(target)
        if target in SERVERS:
            assert self.servers is not None
            await asyncio.to_thread(self.servers.kill, target)
        elif target in self.world.processes:
            self.world.kill(target)

    async def start(self, target: str) -> None:
        """Starts it again; a server is waited for."""
        if target in SERVERS:
            assert self.servers is not None
            await asyncio.to_thread(self.servers.start, target)
        elif target not in self.world.processes:
            self.world.start_unready(target)
        self.away.discard(target)

    def revive(self) -> None:
        """What a platform does: a process that has ended is started again."""
        for name in self.ours:
            if name in self.away:
                continue
            process = self.world.processes.get(name)
            if process is not None and process.process.poll() is None:
                continue
            if process is not None:
                self.world.stop(name)
                self.revived += 1
            self.world.start_unready(name)

    async def ready(self) -> None:
        """All of ours run and say so. Raises AssertionError with the log of one that does not."""
        deadline = time.monotonic() + 90.0
        while True:
            self.revive()
            try:
                for name in self.ours:
                    await asyncio.to_thread(self.world.processes[name].wait_ready)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            else:
                return


@contextmanager
def make_stage(
    stack: Stack,
    folder: Path,
    *,
    servers: bool = False,
    ours: tuple[str, ...] = OURS,
    **settings: str,
) -> Iterator[Stage]:
    """A world on `stack` in which all of `ours` run. The simulator's state counts as Bacen's."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    chosen = {
        "BRIDGE_SIMULATOR_STATE": str(data / SIMULATOR_STATE),
        "DICT_CLAIM_DAY_SECONDS": str(DAY_SECONDS),
    } | settings
    with make_world(stack, folder, **chosen) as world:
        world.start(*ours[::-1])
        yield Stage(world, stack if servers else None, ours)
