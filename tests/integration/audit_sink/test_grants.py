"""What each role may do to the audit, found out by trying."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from devstack.stack import Stack
from tests.support.audit_rows import audit_row, audit_writer
from tests.support.world import World, make_world

MONTH = "audit.workflow_events_2026_01"
EVENTS = "audit.workflow_events"
ROW = (
    "(event_id, workflow_type, workflow_id, event_type, occurred_at, source, aggregate_type, "
    "aggregate_id, aggregate_sequence, batch_id, leaf_no) VALUES (gen_random_uuid(), 't', 'w', "
    "'T', '2026-01-02T00:00Z', 's', 'claim', '1', 1, gen_random_uuid(), 0)"
)
FUNCTIONS = (
    "audit.rehome_begin(ARRAY['2020-01-01'::date])",
    "audit.rehome_parts(0, 1)",
    "audit.rehome_copy('{}'::uuid[])",
    "audit.rehome_lock()",
    "audit.rehome_swap()",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with a month and a row in it, and no process of ours."""
    with make_world(stack, Path(tmp_path_factory.mktemp("grants"))) as made:
        words = ("audit", "partitions", "ensure", "--from", "2026-01", "--to", "2026-01")
        assert made.dictctl(*words).returncode == 0
        async with audit_writer(made) as writer:
            await writer.write([audit_row()])
        yield made


def changes(table: str) -> Iterator[str]:
    """Every way to change rows that are there."""
    column = {"audit.event_ids": "content_digest", EVENTS: "source", MONTH: "source"}.get(
        table, "rows"
    )
    yield f"UPDATE {table} SET {column} = {column}"
    yield f"DELETE FROM {table}"
    yield f"TRUNCATE {table}"


def shape_changes() -> Iterator[str]:
    """Every way to take rows out of sight."""
    yield f"ALTER TABLE {EVENTS} DETACH PARTITION {MONTH}"
    yield f"ALTER TABLE {EVENTS} DETACH PARTITION {EVENTS}_default"
    yield f"ALTER TABLE {EVENTS} DISABLE TRIGGER ALL"
    yield f"DROP TABLE {MONTH}"
    yield "DROP SCHEMA audit CASCADE"
    yield "CREATE TABLE audit.mine (id INT)"
    yield "CREATE SCHEMA mine"
    yield f"ALTER TABLE {MONTH} OWNER TO CURRENT_USER"
    yield "SET ROLE audit_owner"


EVERY_TABLE = (EVENTS, MONTH, "audit.event_ids", "audit.batches", "audit.batch_parts")
EVERY_CHANGE = [*(it for table in EVERY_TABLE for it in changes(table)), *shape_changes()]
EVERY_READ = [f"SELECT * FROM {table}" for table in (*EVERY_TABLE, "audit.audit_logs")]
EVERY_CALL = [f"SELECT {call}" for call in FUNCTIONS]
ENSURE = "SELECT audit.ensure_partition('2026-01-01')"
COUNT = "SELECT * FROM audit.default_rows()"
INSERT = f"INSERT INTO {EVENTS} {ROW}"
DIRECT = f"INSERT INTO {MONTH} {ROW}"
TEMPORARY = "CREATE TEMPORARY TABLE mine (id INT)"

NOBODY = "00000000-0000-0000-0000-000000000001"
SANDBOX = (f"SELECT audit.sandbox_make('{NOBODY}')", f"SELECT audit.sandbox_drop('{NOBODY}')")

REFUSED = [
    *(("audit_replayer", it) for it in (*EVERY_CHANGE, *EVERY_CALL, DIRECT, ENSURE)),
    *(("audit_replayer", f"SELECT * FROM {table}") for table in (EVENTS, MONTH)),
    *(
        (role, it)
        for it in SANDBOX
        for role in ("audit_sink", "audit_desk", "operator_ro", "audit_maintainer")
    ),
    *(("audit_sink", it) for it in (*EVERY_CHANGE, *EVERY_CALL, DIRECT)),
    *(("audit_sink", f"SELECT * FROM {table}") for table in (EVENTS, MONTH, "audit.audit_logs")),
    *(("operator_ro", it) for it in (*EVERY_CHANGE, *EVERY_CALL, INSERT, DIRECT, ENSURE, COUNT)),
    *(
        ("claim_orchestrator", it)
        for it in (*EVERY_CHANGE, *EVERY_READ, *EVERY_CALL, INSERT, DIRECT, ENSURE, COUNT)
    ),
    *(("audit_maintainer", it) for it in (*EVERY_CHANGE, INSERT, DIRECT)),
    *((role, TEMPORARY) for role in ("audit_sink", "audit_desk", "audit_maintainer")),
]
ALLOWED = [
    ("audit_replayer", INSERT),
    *(("audit_replayer", it) for it in SANDBOX),
    ("audit_sink", INSERT),
    ("audit_sink", ENSURE),
    ("audit_sink", COUNT),
    *(("operator_ro", it) for it in EVERY_READ if MONTH not in it),
    ("operator_ro", TEMPORARY),
    *(("audit_maintainer", it) for it in EVERY_READ if MONTH not in it),
    ("audit_maintainer", ENSURE),
    ("audit_maintainer", COUNT),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED)
async def test_role_may_not(world: World, role: str, statement: str) -> None:
    connection = await world.connect(role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(("role", "statement"), ALLOWED)
async def test_role_may(world: World, role: str, statement: str) -> None:
    connection = await world.connect(role)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_copy_through_the_parent_is_the_sinks_way(world: World) -> None:
    async with audit_writer(world) as writer:
        batch_id = await writer.write([audit_row()])
    admin = await world.connect()
    assert await admin.fetchval(f"SELECT count(*) FROM {MONTH} WHERE batch_id = $1", batch_id) == 1
    await admin.close()


async def refused(connection: "asyncpg.Connection[Any]", *statements: str) -> None:
    """In one transaction; only the last is refused."""
    transaction = connection.transaction()
    await transaction.start()
    for statement in statements[:-1]:
        await connection.execute(statement)
    with pytest.raises(
        (
            asyncpg.ObjectNotInPrerequisiteStateError,
            asyncpg.UniqueViolationError,
            asyncpg.InsufficientPrivilegeError,
        )
    ):
        await connection.execute(statements[-1])
    await transaction.rollback()


async def test_maintainer_cannot_lose_a_row_by_its_functions(world: World) -> None:
    """Swap without a copy, and a copy of one batch twice in place of two."""
    async with audit_writer(world) as writer:
        old = audit_row().occurred_at.replace(year=2020)
        batches = [await writer.write([audit_row(occurred_at=old)]) for _ in range(2)]
    maintainer = await world.connect("audit_maintainer")
    begin = "SELECT audit.rehome_begin(ARRAY['2020-01-01'::date])"
    await refused(maintainer, begin, "SELECT audit.rehome_swap()")
    copy = f"SELECT audit.rehome_copy(ARRAY['{batches[0]}'::uuid])"
    await refused(maintainer, begin, copy, copy)
    await refused(maintainer, begin, f"INSERT INTO audit.workflow_events_rehome {ROW}")
    admin = await world.connect()
    rows = f"SELECT count(*) FROM {EVENTS} WHERE batch_id = ANY($1)"
    assert await admin.fetchval(rows, batches) == 2
    await admin.close()
    await maintainer.close()
