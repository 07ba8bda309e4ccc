"""Servers that may be killed: a stack of their own, started by the first test that asks for it."""

from collections.abc import Iterator

import pytest

from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Nobody else uses it, so any of its servers may go away."""
    stack = Stack(tmp_path_factory.mktemp("servers") / "stack", fetch=fetch_quietly)
    try:
        stack.up(infrastructure_only=True)
        yield stack
    finally:
        stack.down()
