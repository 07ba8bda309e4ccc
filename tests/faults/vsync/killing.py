"""Kills at the steps of a run, by what they leave behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field

import grpc

from dict_common.kernel.pix_key import KeyType
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.faults.dict_side import CALL_SECONDS_MAX, DictSide
from tests.faults.killing import messages_taken, table_held
from tests.faults.stage import Watch, pause, seen
from tests.faults.vsync.plan import FIRST_TABLE, ROWS, STATEMENTS, Effect, Kill
from tests.faults.vsync.stage import VsyncStage

EFFECT_SECONDS_MAX = 30.0
_FRESH = """
SELECT 1 FROM workflows.vsync_workflows AS run
WHERE run.participant_ispb = $1 AND run.key_type IS NOT NULL
    AND NOT (run.id = ANY($2::uuid[])) AND {}
"""
_OVER = """
SELECT 1 FROM workflows.vsync_workflows
WHERE participant_ispb = $1 AND key_type IS NULL AND completed_at IS NOT NULL
    AND NOT (id = ANY($2::uuid[]))
"""
_BLOCKED = """
SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND relation = $1::text::regclass AND NOT granted
    AND query LIKE $2
"""


@dataclass
class Killing:
    """The kills of one seed. `known`: runs from before; `told`: one line for each kill."""

    stage: VsyncStage
    watch: Watch
    dicts: DictSide
    participant: str
    known: list[object]
    told: list[str]
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def run(self, kill: Kill) -> None:
        """Waits for the effect (or gives up waiting), kills, waits, starts again."""
        moment = kill.moment
        timed, blocked = moment.effect is Effect.TIME, moment.effect is Effect.BLOCKED
        if timed:
            await pause(kill.after / 1000)
        if blocked and kill.target == "vsync-worker" and moment.what != FIRST_TABLE:
            await seen(self._all_begun, EFFECT_SECONDS_MAX)
        async with table_held(self.stage.world, moment.what) if blocked else nullcontext():
            met = timed or await self._met(kill)
            if not timed:
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
        what = kill.moment.what
        if kill.moment.effect is Effect.ON_TOPIC:
            before = await messages_taken(self.stage.world, what)

            async def more() -> bool:
                return await messages_taken(self.stage.world, what) > before

            return await seen(more, EFFECT_SECONDS_MAX)
        looks: dict[Effect, Callable[[], Awaitable[object]]] = {
            Effect.SHOWN: lambda: self._shown(what),
            Effect.CALLED: lambda: self._held(what, "delay_before_ms"),
            Effect.DONE: lambda: self._held(what, "delay_after_ms"),
            Effect.BLOCKED: lambda: self._blocked(kill),
        }
        met: list[object] = []

        async def met_or_over() -> bool:
            over = await self._over()
            met[:] = [await looks[kill.moment.effect]()]
            return bool(met[0]) or bool(over)

        await seen(met_or_over, EFFECT_SECONDS_MAX)
        return bool(met[0])

    async def _over(self) -> object:
        """The run has ended: nothing more is to be waited for."""
        return await self.watch.rows(_OVER, self.participant, self.known)

    async def _all_begun(self) -> bool:
        rows = await self.watch.rows(_FRESH.format("TRUE"), self.participant, self.known)
        return len(rows or ()) >= len(KeyType)

    async def _blocked(self, kill: Kill) -> object:
        statement = STATEMENTS.get((kill.target, kill.moment.what), "%")
        return await self.watch.rows(_BLOCKED, kill.moment.what, statement)

    async def _shown(self, what: str) -> object:
        return await self.watch.rows(_FRESH.format(ROWS[what]), self.participant, self.known)

    async def _held(self, operation: str, kind: str) -> bool:
        """DICT keeps the call: its fault has fired."""
        with suppress(grpc.RpcError):
            states = self.dicts.control.ListFaults(
                control_pb2.ListFaultsRequest(), timeout=CALL_SECONDS_MAX
            ).faults
            return any(
                state.fired and state.fault.operation == operation and getattr(state.fault, kind)
                for state in states
            )
        return False


def _line(kill: Kill, *, met: bool) -> str:
    moment = kill.moment
    when = " ".join(part for part in (moment.effect.value, moment.what) if part)
    if moment.effect is Effect.TIME:
        when = f"at {kill.after} ms"
    return f"{kill.target} ({when}{'' if met else ', not met'}; away {kill.down} ms)"
