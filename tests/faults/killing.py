"""Kills at what can be seen: a row, a call at DICT, a message, a statement before a lock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from uuid import UUID

import grpc
import httpx

from tests.faults.dict_side import DictSide
from tests.faults.plan import Effect, Kill
from tests.faults.planning import TABLES
from tests.faults.stage import AWAY, Stage, Watch, pause, seen
from tests.support.world import World

Look = Callable[[str], Awaitable[object]]

EFFECT_SECONDS_MAX = 20.0
STATEMENTS = {
    TABLES["consumer"]: "%INSERT INTO connect.inbox%",
    TABLES["worker"]: "%UPDATE workflows.claim_workflows%",
    TABLES["relay"]: "%SET publish_no%",
    TABLES["sink"]: "%INSERT INTO audit.event_ids%",
}
"""What the victim does to the table when it waits."""
AT_OR_BEYOND = {
    "OPEN": ["OPEN", "WAITING_RESOLUTION", "CONFIRMED", "COMPLETED", "CANCELLED"],
    "WAITING_RESOLUTION": ["WAITING_RESOLUTION", "CONFIRMED", "COMPLETED"],
    "CONFIRMED": ["CONFIRMED", "COMPLETED"],
}
"""A claim may pass through a status faster than one can look."""

_BLOCKED = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
"""
_STORED = "SELECT 1 FROM workflows.claim_workflows WHERE claim_id = ANY($1::uuid[])"
_SHOWN = f"{_STORED} AND dict_status = ANY($2::text[])"
_CALLED = """
SELECT 1 FROM connect.bridge_requests
WHERE substring(workflow_id FROM 7 FOR 36) = ANY($1::text[]) AND operation_type = $2
"""


@dataclass
class Killing:
    """The kills of one seed. `told`: one line for each, as it happened."""

    stage: Stage
    watch: Watch
    dict_side: DictSide
    claim_ids: list[UUID]
    ledger_from: int
    told: list[str] = field(default_factory=list)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    _on_topic_before: dict[str, int] = field(default_factory=dict)

    async def run(self, kill: Kill) -> None:
        """Waits for the effect (or gives up waiting), kills, waits, starts again."""
        if kill.effect is Effect.TIME:
            await pause(kill.after / 1000)
        blocked = kill.effect is Effect.BLOCKED
        if blocked and kill.target != "consumer":
            await seen(self._stored, EFFECT_SECONDS_MAX)
        async with table_held(self.stage.world, kill.what) if blocked else nullcontext():
            met = await self._met(kill)
            if kill.effect is not Effect.TIME:
                await pause(kill.after / 1000)
            async with self._turns.setdefault(kill.target, asyncio.Lock()):
                await self.stage.kill(kill.target)
                self.told.append(_line(kill, met=met))
                if not blocked:
                    await self._return(kill)
        if blocked:
            await self._return(kill)

    async def _return(self, kill: Kill) -> None:
        await pause(kill.down / 1000)
        await self.stage.start(kill.target)

    async def _met(self, kill: Kill) -> bool:
        """Whether the effect was seen in time."""
        if kill.effect is Effect.TIME:
            return True
        if kill.effect is Effect.ON_TOPIC:
            before = await messages_taken(self.stage.world, kill.what)
            self._on_topic_before[kill.what] = before
        looks: dict[Effect, Look] = {
            Effect.STORED: lambda _: self._stored(),
            Effect.SHOWN: self._shown,
            Effect.CALLED: self._called,
            Effect.DONE: self._done,
            Effect.ON_TOPIC: self._more_on_topic,
            Effect.BLOCKED: self._blocked,
        }
        look = looks[kill.effect]
        return await seen(lambda: look(kill.what), EFFECT_SECONDS_MAX)

    async def _stored(self) -> object:
        return await self.watch.rows(_STORED, self.claim_ids)

    async def _shown(self, status: str) -> object:
        return await self.watch.rows(_SHOWN, self.claim_ids, AT_OR_BEYOND[status])

    async def _called(self, operation: str) -> object:
        ids = [str(claim_id) for claim_id in self.claim_ids]
        return await self.watch.rows(_CALLED, ids, operation)

    async def _blocked(self, table: str) -> object:
        return await self.watch.rows(_BLOCKED, STATEMENTS[table])

    async def _done(self, operation: str) -> bool:
        with suppress(grpc.RpcError):
            return self.dict_side.done(operation, self.ledger_from)
        return False

    async def _more_on_topic(self, name: str) -> bool:
        return await messages_taken(self.stage.world, name) > self._on_topic_before[name]


async def messages_taken(world: World, name: str) -> int:
    """How many messages the broker has taken for an event's topic since it runs."""
    environment = world.environment
    path = f"/admin/v2/persistent/{environment['DICT_PULSAR_TENANT']}/events/{name}"
    url = f"{environment['DICT_PULSAR_ADMIN_URL']}{path}/partitioned-stats"
    async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
        with suppress(httpx.HTTPError, ValueError):
            return int((await client.get(url)).json().get("msgInCounter", 0))
    return 0


@asynccontextmanager
async def table_held(world: World, table: str) -> AsyncIterator[None]:
    """Holds a lock under which nobody writes to the table; nothing is held where PostgreSQL is
    away."""
    connection = None
    with suppress(*AWAY):
        connection = await world.connect()
        await connection.execute("SET lock_timeout = '5s'")
        await connection.execute("BEGIN")
        await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        if connection is not None:
            connection.terminate()


def _line(kill: Kill, *, met: bool) -> str:
    when = " ".join(part for part in (kill.effect.value, kill.what) if part)
    if kill.effect is Effect.TIME:
        when = f"at {kill.after} ms"
    return f"{kill.target} ({when}{'' if met else ', not met'}; away {kill.down} ms)"
