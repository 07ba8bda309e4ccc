"""What the broker knows of decisions, and rows that outlive their policy, on the real servers."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from claim_orchestrator.adapters.postgres_upkeep import PostgresUpkeep
from claim_orchestrator.adapters.pulsar_decision_backlog import PulsarDecisionBacklog
from claim_orchestrator.bootstrap.worker import timely_topics
from devstack.stack import Stack
from dict_common.bus.backlog import Backlogs, open_admin
from dict_common.kernel.errors import Unavailable
from dict_common.ports.directory import BridgeCall, CallContext
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.store.database import Database, PoolSize
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.store.queries import Query
from tests.support.publishing import DECIDE, core_of, decision
from tests.support.waiting import until
from tests.support.world import World, make_world

ADMIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nothing of ours runs yet."""
    with make_world(stack, Path(tmp_path_factory.mktemp("backlog"))) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(world: World) -> AsyncIterator[Database]:
    """A pool in it."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
    url = world.environment["DICT_POSTGRES_URL"]
    opened = await Database.open(url, "claim_orchestrator", PoolSize(1, 2))
    yield opened
    await opened.close()
    monkeypatch.undo()


async def test_oldest_decision_that_is_not_stored_yet(world: World, database: Database) -> None:
    url = world.environment["DICT_PULSAR_ADMIN_URL"]
    read = timely_topics(world.environment["DICT_PULSAR_TENANT"])
    async with open_admin(url, ADMIN_SECONDS) as client:
        backlog = PulsarDecisionBacklog(Backlogs(client), read, database)
        with pytest.raises(Unavailable, match="consumer-away"):
            await backlog.oldest_unacknowledged()
        world.start("consumer")
        assert await backlog.oldest_unacknowledged() is None
        # Stored decisions are acknowledged; one that waits for a lock is not.
        blocker = await world.connect()
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("LOCK TABLE workflows.claim_decisions IN ACCESS EXCLUSIVE MODE")
        before = datetime.now(UTC)
        async with core_of(world) as core:
            claim_id = uuid4()
            await core.command(DECIDE, decision(claim_id), claim_id)
            await core.command(DECIDE, decision(claim_id), claim_id)
        oldest = await until(backlog.oldest_unacknowledged, "the broker knows of the backlog")
        assert oldest is not None
        assert before - timedelta(seconds=2) < oldest < datetime.now(UTC)
        await transaction.rollback()
        await blocker.close()

        async def drained() -> bool:
            return await backlog.oldest_unacknowledged() is None

        await until(drained, "the consumer has caught up")
        world.kill("consumer")

        async def away() -> bool:
            try:
                await backlog.oldest_unacknowledged()
            except Unavailable as error:
                return error.reason_code == "consumer-away"
            return False

        await until(away, "a consumer that was killed is away")
    async with open_admin("http://127.0.0.1:1", ADMIN_SECONDS) as nobody:
        gone = PulsarDecisionBacklog(Backlogs(nobody), read, database)
        with pytest.raises(Unavailable, match="broker-away"):
            await gone.oldest_unacknowledged()


async def test_rows_that_outlive_their_policy_go(world: World, database: Database) -> None:
    keysets = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"]))
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    short = PostgresRequestLedger(database, rest, timedelta(seconds=-1))
    long = PostgresRequestLedger(database, rest)
    for ledger, name in ((short, "claim-x:GetClaim:1"), (long, "claim-x:GetClaim:2")):
        await ledger.opened(BridgeCall(CallContext(name), "GetClaim", "{}"))
    settled = Query(
        "old",
        "INSERT INTO connect.inbox (consumer, ce_id, fingerprint, outcome, settled_at) "
        "SELECT 'test', gen_random_uuid(), $2, $1, now() - interval '61 days' RETURNING ce_id",
    )
    await database.fetch(settled, ("stored", b"old"))
    await database.fetch(settled, (None, b"open"))  # not done yet: never purged
    upkeep = PostgresUpkeep(database, long)
    assert await upkeep.purge() == 2
    assert await upkeep.purge() == 0
    left = Query("left", "SELECT request_id FROM connect.bridge_requests")
    assert [row["request_id"] for row in await database.fetch(left)] == ["claim-x:GetClaim:2"]
    counts = await upkeep.counts()
    assert (counts.running, counts.overdue, counts.held) == (0, 0, 0)
