"""PostgreSQL comes back from a backup that is older than topics and Temporal: this walks what
docs/howto/a-restored-backup.md says.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from devstack.stack import Stack
from tests.support.core import DRAFT, OtherSide, create_claim, other_side
from tests.support.following import event_of, events_of, row_when
from tests.support.world import World, connect, make_world

OURS = ("consumer", "worker", "relay", "sink", "desk", "desk-relay", "replayer")
KEYS = ("+5561987771001", "+5561987771002", "+5561987771003")
UNKNOWN_KEY = "+5561987771004"


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """Claims that live long enough for a disaster."""
    with make_world(stack, tmp_path, DICT_CLAIM_DAY_SECONDS="20") as made:
        made.start("simulator", *OURS)
        yield made


@pytest.fixture
def donor(world: World) -> Iterator[OtherSide]:
    """The other participant."""
    with other_side(world) as side:
        for key in KEYS:
            side.seed(key)
        yield side


async def opened(world: World, key: str, **changes: str) -> tuple[UUID, str]:
    """A claim that is OPEN, known to the audit: its id and DICT's."""
    claim_id = create_claim(world, draft={**DRAFT, "key": key, **changes})
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    await event_of(world, claim_id, "claim.created")
    return claim_id, str(row["dict_claim_id"])


def told(world: World, claim_id: UUID) -> list[str]:
    """The names of the events that audit has of the claim."""
    return [row["event_subtype"] for row in events_of(world, claim_id)]


async def on_the_server(world: World, *statements: str) -> None:
    """What a DBA does while nobody is connected."""
    admin = await connect(world.environment, "postgres", "postgres")
    try:
        for statement in statements:
            await admin.execute(statement)
    finally:
        await admin.close()


def read_again(world: World, namespace: str, name: str, subscription: str, since_ms: int) -> None:
    """`pulsar-admin topics reset-cursor`."""
    url = world.environment["DICT_PULSAR_ADMIN_URL"]
    topic = f"{world.environment['DICT_PULSAR_TENANT']}/{namespace}/{name}"
    httpx.post(
        f"{url}/admin/v2/persistent/{topic}/subscription/{subscription}/resetcursor/{since_ms}",
        timeout=30,
    ).raise_for_status()


async def restored(world: World, name: str, since_ms: int) -> None:
    """The backup takes the database's place, and what is newer is read again."""
    for process in OURS:
        world.kill(process)
    await on_the_server(
        world,
        f"DROP DATABASE {name} WITH (FORCE)",
        f"ALTER DATABASE {name}_backup RENAME TO {name}",
    )
    assert world.dictctl("db", "roles").returncode == 0  # who may come in
    for service in ("claim_orchestrator", "audit_desk"):
        assert world.dictctl("db", "new-epoch", service).returncode == 0
    for command in ("create", "decide"):
        subscription = f"claim-orchestrator.claim-{command}"
        read_again(world, "commands", f"claim.{command}", subscription, since_ms)


async def resumed(world: World, claim_id: UUID, **row: str) -> None:
    """Step 6 of the page, and the row that follows."""
    world.dictctl_json("claim", "resume", str(claim_id), "--why", "restored, ticket 9")
    await row_when(world, claim_id, "read again", **row)


async def test_backup_older_than_the_topics_is_lived_through(
    world: World, donor: OtherSide
) -> None:
    name = urlsplit(world.environment["DICT_POSTGRES_URL"]).path.lstrip("/")
    older, dict_older = await opened(world, KEYS[0])
    for process in OURS:
        world.stop(process)
    since_ms = round(time.time() * 1000)
    await on_the_server(world, f"CREATE DATABASE {name}_backup TEMPLATE {name} OWNER migrator")
    world.start(*OURS)
    # The backup does not know it, nor its person.
    newer, dict_newer = await opened(world, KEYS[1], type="OWNERSHIP", claimer_tax_id="99988877766")
    ended, _ = await opened(world, KEYS[2])  # and of this one not the end either
    world.dictctl_json("claim", "decide", str(ended), "REFUSE")
    await event_of(world, ended, "claim.cancelled")
    failed = create_claim(world, draft={**DRAFT, "key": UNKNOWN_KEY})
    await event_of(world, failed, "claim.failed")
    donor.seed(UNKNOWN_KEY)  # DICT would take it now, and nobody waits for it any more
    donor.act(dict_older, "ACKNOWLEDGE")
    await event_of(world, older, "claim.acknowledged")

    await restored(world, name, since_ms)
    world.start(*OURS)
    since = (datetime.fromtimestamp(since_ms / 1000, UTC) - timedelta(hours=1)).isoformat()
    world.dictctl_json("replay", "start", "--why", "restored, ticket 9", "--from", since)

    await row_when(world, newer, "known again", status="RUNNING")
    await event_of(world, older, "claim.acknowledged")
    # Whatever is written first tells of DICT's state.
    world.dictctl_json("claim", "decide", str(newer), "ACCEPT")
    await row_when(world, newer, "told of DICT's claim", dict_status="OPEN")
    await resumed(world, older, dict_status="WAITING_RESOLUTION")
    await resumed(world, newer, dict_status="OPEN")
    await resumed(world, ended, status="CANCELLED", dict_status="CANCELLED")
    await resumed(world, failed, status="FAILED")
    donor.act(dict_older, "CONFIRM", "USER_REQUESTED")
    donor.act(dict_newer, "CANCEL", "FRAUD")
    await row_when(world, older, "over", status="COMPLETED")
    await row_when(world, newer, "over", status="CANCELLED")
    await event_of(world, older, "entry.transferred")
    await event_of(world, newer, "claim.cancelled")
    assert set(told(world, older)) >= {
        "claim.created",
        "claim.acknowledged",
        "claim.confirmed",
        "claim.completed",
    }
    assert Counter(told(world, newer))["claim.created"] == 2  # as the page says
    assert len(donor.operations("CreateClaim")) == len(KEYS)  # those that DICT has taken
    assert len(donor.operations("CompleteClaim")) == 1
