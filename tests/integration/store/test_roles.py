"""Who may do what, found out by trying."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from devstack.stack import Stack
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with no process of ours in it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("roles"))) as made:
        yield made


FORBIDDEN = [
    ("audit_sink", "UPDATE audit.workflow_events SET source = 'x'"),
    ("audit_sink", "DELETE FROM audit.workflow_events"),
    ("audit_sink", "TRUNCATE audit.workflow_events"),
    ("audit_sink", "SELECT * FROM audit.workflow_events"),
    ("audit_sink", "INSERT INTO audit.workflow_events_default (event_id) VALUES (NULL)"),
    ("audit_sink", "DELETE FROM audit.event_ids"),
    ("audit_sink", "UPDATE audit.batches SET rows = 1"),
    ("audit_sink", "SELECT * FROM workflows.claim_workflows"),
    ("audit_sink", "SELECT * FROM connect.outbox"),
    ("audit_sink", "SELECT * FROM connect.dead_letter_actions"),
    ("audit_desk", "SELECT * FROM audit.workflow_events"),
    ("audit_desk", "INSERT INTO audit.event_ids VALUES (gen_random_uuid(), 1)"),
    ("audit_desk", "DELETE FROM connect.dead_letter_actions"),
    ("audit_desk", "UPDATE connect.dead_letter_actions SET operator = 'x'"),
    ("audit_desk", "SELECT * FROM workflows.claim_workflows"),
    ("audit_desk", "SELECT * FROM connect.subject_keys"),
    ("audit_desk", "UPDATE connect.replays SET reason = 'x'"),
    ("audit_desk", "UPDATE connect.replay_spans SET position = NULL"),
    ("audit_sink", "SELECT * FROM connect.replays"),
    ("audit_replayer", "SELECT * FROM connect.outbox"),
    ("audit_replayer", "SELECT * FROM connect.inbox"),
    ("audit_replayer", "SELECT * FROM connect.bridge_requests"),
    ("audit_replayer", "SELECT * FROM connect.subject_keys"),
    ("audit_replayer", "SELECT * FROM workflows.claim_workflows"),
    ("audit_replayer", "UPDATE connect.replays SET topics = '{x}'"),
    ("audit_replayer", "DELETE FROM connect.replays"),
    ("claim_orchestrator", "SELECT * FROM connect.dead_letter_actions"),
    ("operator_ro", "UPDATE connect.dead_letter_actions SET outcome = 'gone', done_at = now()"),
    ("claim_orchestrator", "SELECT * FROM audit.workflow_events"),
    ("claim_orchestrator", "INSERT INTO audit.event_ids VALUES (gen_random_uuid(), 1)"),
    ("claim_orchestrator", "DELETE FROM workflows.claim_workflows"),
    ("claim_orchestrator", "DELETE FROM connect.subject_keys"),
    ("claim_orchestrator", "SELECT * FROM workflows.otp_workflows"),
    ("operator_ro", "UPDATE workflows.claim_workflows SET status = 'FAILED'"),
    ("operator_ro", "DELETE FROM audit.workflow_events"),
    ("operator_ro", "SELECT * FROM connect.subject_keys"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
async def test_role_may_not(world: World, role: str, statement: str) -> None:
    connection = await world.connect(role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_service_sees_and_writes_its_own_rows_only(world: World) -> None:
    admin = await world.connect()
    await admin.execute(
        "INSERT INTO connect.inbox (consumer, ce_id, fingerprint, service) "
        "VALUES ('x', gen_random_uuid(), '\\x00', 'otp')"
    )
    service = await world.connect("claim_orchestrator")
    assert await service.fetchval("SELECT count(*) FROM connect.inbox") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await service.execute(
            "INSERT INTO connect.inbox (consumer, ce_id, fingerprint, service) "
            "VALUES ('x', gen_random_uuid(), '\\x00', 'otp')"
        )
    await service.close()
    await admin.close()


async def test_maintainer_that_owned_the_audit_before_is_no_owner_afterwards(world: World) -> None:
    admin = await world.connect()
    await admin.execute("GRANT audit_owner TO audit_maintainer")
    member = "SELECT pg_has_role('audit_maintainer', 'audit_owner', 'MEMBER')"
    assert await admin.fetchval(member)
    assert world.dictctl("db", "roles").returncode == 0
    assert not await admin.fetchval(member)
    await admin.close()


async def test_verify_fails_when_a_migration_was_edited(world: World) -> None:
    assert world.dictctl("db", "verify").returncode == 0
    admin = await world.connect()
    await admin.execute("UPDATE public.dict_migrations SET sha256 = 'other' WHERE version = 'V014'")
    done = world.dictctl("db", "verify")
    again = world.dictctl("db", "migrate")
    await admin.close()
    assert (done.returncode, again.returncode) == (1, 1)
    assert "V014" in done.stderr
    assert "never edit an applied migration" in done.stderr
