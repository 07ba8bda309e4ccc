"""A world of a module's own, for what needs no process of ours in it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from devstack.stack import Stack
from tests.support.audit_rows import AuditWriter, audit_writer
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world without a process of ours."""
    with make_world(stack, Path(tmp_path_factory.mktemp("world"))) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def writer(world: World) -> AsyncIterator[AuditWriter]:
    """A sink's store that has seen nothing yet: it inserts first."""
    async with audit_writer(world) as made:
        yield made
