"""A server is away over a deadline: what is overdue is done once, a timely word still wins."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest

from devstack import groups
from devstack.stack import Stack
from devstack.state import StateFile
from tests.faults.plan import OWNERSHIP, PORTABILITY
from tests.faults.scene import scene_on
from tests.faults.stage import Stage, make_stage

Away = Callable[[Stack, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def stage(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A world on servers that may go away."""
    with make_stage(servers, tmp_path_factory.mktemp("away"), servers=True) as made:
        yield made


@contextmanager
def hanging(stack: Stack, name: str) -> Iterator[None]:
    """SIGSTOP to all processes of a server: connections stay open, and nobody answers."""
    processes = groups.members(StateFile(stack.run.state).read().processes[name])
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def killed(stack: Stack, name: str) -> Iterator[None]:
    """SIGKILL, and started again."""
    stack.kill(name)
    try:
        yield
    finally:
        stack.start(name)


@pytest.mark.parametrize(
    ("name", "away"),
    [
        ("postgres", hanging),
        ("postgres", killed),
        ("temporal", hanging),
        ("temporal", killed),
        ("pulsar", killed),
    ],
    ids=lambda it: it if isinstance(it, str) else it.__name__,
)
async def test_server_away_over_a_deadline(
    servers: Stack, stage: Stage, name: str, away: Away
) -> None:
    async with scene_on(stage) as scene:
        silent = await scene.opens(OWNERSHIP)
        decided = await scene.opens(PORTABILITY)
        deadline = await scene.has_deadline_in(6.0, silent, decided)
        stage.away.add("consumer")
        assert stage.world.stop("consumer") == 0
        word = await scene.decides(decided, datetime.now(UTC))  # stays in Pulsar for now
        assert datetime.now(UTC) < deadline
        with away(servers, name):
            await scene.passes(deadline)
        await stage.start("consumer")
        await asyncio.gather(stage.ready(), scene.end(silent), scene.end(decided))
        assert await scene.end(silent) == ("CANCELLED", "TIMEOUT")
        assert await scene.end(decided) == ("CANCELLED", "CANCELLED")
        assert await scene.outcome(word) == "accepted"
        assert [await scene.cancellations(claim) for claim in (silent, decided)] == [1, 1]
        assert await scene.broken_promises() == []
