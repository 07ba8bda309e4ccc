"""What desk and replayer keep in PostgreSQL: orders, runs, checkpoints, sandboxes."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from audit_sink.adapters.postgres_replay_orders import PostgresReplayOrders
from audit_sink.adapters.postgres_replay_runs import (
    REFUSALS_MAX,
    PostgresReplayRuns,
    sandbox_schema,
)
from audit_sink.application.ports import Candidate, Poison, RowRefused
from audit_sink.application.replay_desk import Change, Known, Replay, ReplayOrders
from audit_sink.application.replay_piece import Step
from audit_sink.application.replay_ports import Run, TakenAway
from audit_sink.domain.positions import Position, Published, Span
from audit_sink.domain.replay import Sandbox, State
from devstack.stack import Stack
from dict_common.kernel.errors import Undeliverable
from dict_common.kernel.ids import new_id
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query
from tests.support.audit_rows import assert_proven, audit_row
from tests.support.letter_actions_suite import event, key
from tests.support.replay_orders_suite import BY, ReplayOrdersSuite
from tests.support.world import World, make_world

SPAN = Span("claim.created", 1, Position(7, 0, -1), Position(7, 9, -1), 10, 1_000)
OTHER = replace(SPAN, partition=2)
JUNK = Undeliverable("undecodable", "junk \x00 of a stranger")


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with no process of ours in it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("replays"))) as made:
        yield made


async def opened(world: World, role: str) -> AsyncIterator[Database]:
    """A pool in a role."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        database = await Database.open(world.environment["DICT_POSTGRES_URL"], role, PoolSize(1, 3))
        yield database
        await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(world: World) -> AsyncIterator[Database]:
    """The desk's pool."""
    async for database in opened(world, "audit_desk"):
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runs(world: World) -> AsyncIterator[PostgresReplayRuns]:
    """The replayer's side."""
    async for database in opened(world, "audit_replayer"):
        yield PostgresReplayRuns(database, new_id)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser, and no run of another test."""
    connection = await world.connect()
    await connection.execute(
        "UPDATE connect.replays SET state = 'CANCELLED', ended_at = now() WHERE ended_at IS NULL"
    )
    await connection.execute("UPDATE connect.replays SET sandbox_state = NULL")
    yield connection
    await connection.close()


class TestPostgresReplayOrders(ReplayOrdersSuite):
    """connect.replays, connect.inbox, connect.outbox."""

    @pytest.fixture(autouse=True)
    def _opened(self, desk: Database, admin: "asyncpg.Connection[Any]") -> None:
        self._desk = desk
        self._admin = admin

    async def orders(self) -> ReplayOrders:
        """Over PostgreSQL."""
        return PostgresReplayOrders(self._desk)

    async def told(self, id_: UUID) -> int:
        """Waiting in the outbox."""
        query = Query("told", "SELECT 1 FROM connect.outbox WHERE event_id = $1")
        return len(await self._desk.fetch(query, (id_,)))

    async def sandbox_is(self, run_id: UUID, state: Sandbox) -> None:
        """As a replayer leaves it."""
        await self._admin.execute(
            "UPDATE connect.replays SET sandbox_state = $2 WHERE run_id = $1", run_id, state
        )


async def asked(desk: Database, *, sandbox: bool) -> UUID:
    """A run that the desk took."""
    request = key()
    replay_ = Replay(("claim.created",), Published(), sandbox)
    await PostgresReplayOrders(desk).begin(request, replay_, BY, (event(),))
    return request.command_id


async def held(runs: PostgresReplayRuns, *, planned: bool = True) -> Run:
    """The run that is to be had, with two spans."""
    run = await runs.claim(uuid4())
    assert run is not None
    if planned:
        await runs.plan(run, [SPAN, OTHER])
    return run


def step(*candidates: Candidate, entry: int, before: int | None = None, **more: Any) -> Step:
    """To an entry, from another."""
    return Step(
        span=SPAN,
        message_ids=[f"7:{number}:1:-1" for number in range(2_000)],
        before=None if before is None else Position(7, before, -1),
        position=Position(7, entry, -1),
        entries=1,
        messages=len(candidates) + len(more.get("poison", ())),
        outside=0,
        candidates=candidates,
        poison=more.get("poison", ()),
    )


def candidate(**changes: Any) -> Candidate:
    """An event of its own."""
    return Candidate(0, audit_row(**changes), 1)


async def test_one_replayer_has_a_run_until_its_time_is_over(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]"
) -> None:
    await asked(desk, sandbox=False)
    run = await held(runs, planned=False)
    assert not run.planned
    assert await runs.claim(uuid4()) is None
    await admin.execute("UPDATE connect.replays SET held_until = now() - INTERVAL '1 second'")
    other = await held(runs, planned=False)
    assert (other.id, other.holder == run.holder) == (run.id, False)
    for late in (
        runs.hold(run, 1.0, None),
        runs.plan(run, [SPAN]),
        runs.span_done(run, SPAN),
        runs.complete(run),
    ):
        with pytest.raises(TakenAway):
            await late
    await runs.release(run)  # it is not its any more
    assert await runs.claim(uuid4()) is None
    await runs.release(other)
    assert await runs.claim(uuid4()) is not None


async def test_checkpoint_and_rows_are_one(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]"
) -> None:
    await asked(desk, sandbox=False)
    run, first, second = await held(runs), candidate(), candidate()
    before = await admin.fetchval("SELECT count(*) FROM audit.workflow_events")
    await runs.apply(run, step(first, entry=0))
    assert await runs.position(run, SPAN) == Position(7, 0, -1)
    for stale in (step(second, entry=1), step(second, entry=1, before=5)):
        with pytest.raises(TakenAway):
            await runs.apply(run, stale)
    await runs.apply(run, step(first, second, entry=1, before=0))
    await runs.apply(run, step(first, second, entry=2, before=1))
    (row,) = await admin.fetch(
        "SELECT messages, new_rows, duplicates FROM connect.replay_spans "
        "WHERE run_id = $1 AND partition = 1",
        run.id,
    )
    assert tuple(row) == (5, 2, 3)
    assert await assert_proven(admin) == before + 2


@pytest.mark.parametrize("state", [State.PAUSED, State.CANCELLED])
async def test_held_or_ended_run_takes_no_step(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]", state: State
) -> None:
    run_id = await asked(desk, sandbox=False)
    run = await held(runs)
    await runs.apply(run, step(candidate(), entry=0))
    change = Change(run_id, Known(State.RUNNING, None), Known(state, None))
    await PostgresReplayOrders(desk).change(key(), change, (event(),))
    before = await admin.fetchval("SELECT count(*) FROM audit.workflow_events")
    with pytest.raises(TakenAway):
        await runs.apply(run, step(candidate(), entry=1, before=0))
    assert await admin.fetchval("SELECT count(*) FROM audit.workflow_events") == before
    await runs.release(run)
    assert await runs.claim(uuid4()) is None


async def test_reused_id_and_junk_are_noted_with_their_place(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]"
) -> None:
    await asked(desk, sandbox=False)
    run, good = await held(runs), candidate()
    await runs.apply(run, step(good, entry=0))
    reused = good._replace(place=3, content_digest=2)
    many = [Poison(place, JUNK) for place in range(10, REFUSALS_MAX + 10)]
    await runs.apply(run, step(reused, entry=1, before=0, poison=(Poison(4, JUNK),)))
    await runs.apply(run, step(entry=2, before=1, poison=many))
    found = await admin.fetch(
        "SELECT message_id, reason_code, detail FROM connect.replay_refusals WHERE run_id = $1",
        run.id,
    )
    assert len(found) == REFUSALS_MAX
    reasons = {row["message_id"]: row["reason_code"] for row in found}
    assert (reasons["7:3:1:-1"], reasons["7:4:1:-1"]) == ("event-id-reused", "undecodable")
    refused = await admin.fetchval(
        "SELECT sum(refused) FROM connect.replay_spans WHERE run_id = $1", run.id
    )
    assert refused == REFUSALS_MAX + 2


async def test_refused_row_stores_nothing_of_its_step(
    desk: Database, runs: PostgresReplayRuns
) -> None:
    await asked(desk, sandbox=False)
    run = await held(runs)
    with pytest.raises(RowRefused):
        await runs.apply(run, step(candidate(), candidate(event_type="x" * 101), entry=0))
    assert await runs.position(run, SPAN) is None


async def test_complete_when_every_span_is_done(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]"
) -> None:
    run_id = await asked(desk, sandbox=False)
    run = await held(runs)
    await runs.span_done(run, SPAN)
    assert await runs.open_spans(run) == [OTHER]
    with pytest.raises(TakenAway):
        await runs.complete(run)
    await runs.span_done(run, OTHER)
    await runs.complete(run)
    ended = "SELECT state, ended_at IS NOT NULL FROM connect.replays WHERE run_id = $1"
    (row,) = await admin.fetch(ended, run_id)
    assert tuple(row) == ("COMPLETED", True)


async def test_sandbox_has_tables_gate_and_chain_of_its_own(
    desk: Database, runs: PostgresReplayRuns, admin: "asyncpg.Connection[Any]"
) -> None:
    run_id = await asked(desk, sandbox=True)
    run, first = await held(runs), candidate()
    schema = sandbox_schema(run_id)
    before = await admin.fetchval("SELECT count(*) FROM audit.workflow_events")
    await runs.apply(run, step(first, entry=0))
    await runs.apply(run, step(first, candidate(), entry=1, before=0))
    assert await admin.fetchval("SELECT count(*) FROM audit.workflow_events") == before
    assert await admin.fetchval(f"SELECT count(*) FROM {schema}.workflow_events") == 2
    chain = await admin.fetch(f"SELECT chain_no, rows FROM {schema}.batches ORDER BY chain_no")
    assert [tuple(row) for row in chain] == [(1, 1), (2, 1)]
    there = Known(State.RUNNING, Sandbox.THERE)
    assert await PostgresReplayOrders(desk).known(run_id) == there
    ended = Change(run_id, there, Known(State.CANCELLED, Sandbox.TO_DROP))
    await PostgresReplayOrders(desk).change(key(), ended, (event(),))
    assert await runs.drop_sandboxes() == 0  # its holder may be in the middle of a step
    await runs.release(run)
    assert await runs.drop_sandboxes() == 1
    assert await admin.fetchval("SELECT to_regnamespace($1)", schema) is None
    assert await runs.drop_sandboxes() == 0
