"""schema.sql is the sum of the migrations."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.fetch.view import fetch_quietly
from devstack.schema_sql import dump_schema
from devstack.stack import Stack
from dict_schemas.sql import schema_sql
from tests.support.world import World, make_world


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """A freshly migrated database."""
    with make_world(stack, tmp_path) as made:
        yield made


def test_schema_sql_is_what_the_migrations_make(world: World) -> None:
    tools = fetch_quietly(threading.Event(), frozenset())
    made = dump_schema(tools.postgres_bin / "pg_dump", world.environment)
    assert made == schema_sql(), "With a stack up: ./dev generate, and commit schema.sql"
