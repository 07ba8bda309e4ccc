"""Real servers for benchmarks, in `.devstack/bench`, and a world of its own on them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack
from tests.support.world import World, make_world

REPOSITORY = Path(__file__).resolve().parents[1]
RUN_FOLDER = ".devstack/bench"
KILLED = "-killed"
"""Behind the folder's name: servers that a benchmark may kill, since nobody else uses them."""


@contextmanager
def servers(behind: str = "") -> Iterator[Stack]:
    """The servers; found running they are left running, else new ones, stopped at the end. Blocks.

    New: what an earlier run left behind slows Temporal's SQLite down.
    """
    stack = Stack(REPOSITORY / f"{RUN_FOLDER}{behind}", fetch=fetch_quietly)
    if not any(part.state == "running" for part in stack.status()):
        shutil.rmtree(stack.run.root, ignore_errors=True)
    started = stack.up(infrastructure_only=True)
    try:
        yield stack
    finally:
        if started:
            stack.down()


@contextmanager
def ground(**settings: str) -> Iterator[World]:
    """A world with real days and buckets, unless `settings` say otherwise; no process of ours runs
    in it."""
    with servers() as stack, ground_on(stack, **settings) as world:
        yield world


@contextmanager
def ground_on(stack: Stack, **settings: str) -> Iterator[World]:
    """The same on these servers."""
    with tempfile.TemporaryDirectory() as folder:
        real = {"DICT_CLAIM_DAY_SECONDS": "86400", "BRIDGE_SIMULATOR_BUCKET_SPEED": "1"}
        with make_world(stack, Path(folder), **(real | settings)) as world:
            os.environ["PGPASSFILE"] = world.environment["PGPASSFILE"]
            yield world
