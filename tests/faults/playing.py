"""Plays a plan on a stage: Core, the other side, faults and kills, each in its own time."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import grpc

from tests.faults.core_side import CoreSide, core_side
from tests.faults.dict_side import DictSide, dict_side, outage_seconds
from tests.faults.killing import Killing
from tests.faults.plan import DAY_SECONDS, ClaimPlan, Decision, Donor, Outage, Plan, When
from tests.faults.stage import Stage, Watch, pause, seen

OPEN_SECONDS_MAX = 150.0
BEFORE_DEADLINE = timedelta(milliseconds=500)
AFTER_DEADLINE = timedelta(milliseconds=50)
MILLISECOND = timedelta(milliseconds=1)
REVIVE_SECONDS = 0.2
_KNOWS = """
SELECT 1 FROM workflows.claim_workflows
WHERE claim_id = $1
  AND (status <> 'RUNNING' OR abs(extract(epoch FROM claimer_deadline - $2)) < 0.1)
"""


@dataclass
class ToldDecision:
    """A decision that went out; `heard_at`: when the broker had its first copy."""

    ce_id: UUID
    plan: Decision
    heard_at: datetime


@dataclass
class PlayedClaim:
    """What was seen of a claim while it was played."""

    plan: ClaimPlan
    claim_id: UUID
    command_id: UUID
    deadline: datetime | None = None
    decisions: list[ToldDecision] = field(default_factory=list)


@dataclass
class Played:
    """What became of a plan."""

    plan: Plan
    claims: list[PlayedClaim]
    kills: list[str]


async def play(plan: Plan, stage: Stage, watch: Watch) -> Played:
    """Returns when the plan is over and everything answers again; claims may still run."""
    ids = Random(f"{plan.seed}-{time.time_ns()}")  # a seed may be played again in one world
    claims = [PlayedClaim(claim, _uuid(ids), _uuid(ids)) for claim in plan.claims]
    async with core_side(stage.world) as core:
        with dict_side(stage.world.environment) as dicts:
            dicts.prepare(plan.claims, plan.faults)
            since = dicts.last_sequence()
            killing = Killing(stage, watch, dicts, [one.claim_id for one in claims], since)
            reviving = asyncio.create_task(_revive(stage))
            try:
                async with asyncio.TaskGroup() as group:
                    for claim in claims:
                        group.create_task(_ClaimPlay(claim, core, dicts, watch, since).run())
                    for kill in plan.kills:
                        group.create_task(killing.run(kill))
                    if plan.outage is not None:
                        group.create_task(_outage(plan.outage, dicts))
                await insist(dicts.recover)
            finally:
                reviving.cancel()
    await stage.ready()
    return Played(plan, claims, killing.told)


class _ClaimPlay:
    """One claim's part of the play."""

    def __init__(
        self, played: PlayedClaim, core: CoreSide, dicts: DictSide, watch: Watch, since: int
    ) -> None:
        self._played = played
        self._plan = played.plan
        self._core = core
        self._dicts = dicts
        self._watch = watch
        self._since = since

    async def run(self) -> None:
        """From Core's first word to its last."""
        await self._decide(When.EARLY, None)
        await pause(self._plan.asked / 1000)
        for _ in range(self._plan.copies):
            await self._core.create(self._plan, self._played.claim_id, self._played.command_id)
        if self._plan.donor is Donor.HAS_NOT:
            await self._decide(When.OPEN, None)
            return
        dict_claim_id = await self._opened()
        if self._plan.deadline is not None:
            deadline = datetime.now(UTC) + timedelta(milliseconds=self._plan.deadline)
            self._played.deadline = deadline
            await insist(lambda: self._dicts.move_deadline(dict_claim_id, deadline, DAY_SECONDS))
        await self._decide(When.OPEN, None)
        if self._plan.proof:
            await self._prove(dict_claim_id)
        if self._played.deadline is not None:
            await self._around(self._played.deadline)

    async def _around(self, deadline: datetime) -> None:
        """Decisions of the last and of the first moment."""
        if self._has(When.IN_TIME):
            await _at(deadline - BEFORE_DEADLINE)
            await self._decide(When.IN_TIME, deadline - MILLISECOND)
        if self._has(When.LATE):
            # Late is what comes after the date that we know: DICT's new one has to arrive first.
            await seen(self._knows_deadline, OPEN_SECONDS_MAX)
            await _at(deadline + AFTER_DEADLINE)
            await self._decide(When.LATE, deadline + MILLISECOND)

    async def _knows_deadline(self) -> object:
        return await self._watch.rows(_KNOWS, self._played.claim_id, self._played.deadline)

    async def _opened(self) -> str:
        found: list[str] = []

        def look() -> bool:
            with suppress(grpc.RpcError):
                opened = self._dicts.opened(self._played.claim_id, self._since)
                found[:] = [] if opened is None else [opened]
            return bool(found)

        opened = await seen(look, OPEN_SECONDS_MAX)
        assert opened, f"claim {self._played.claim_id} never came to DICT"
        return found[0]

    async def _prove(self, dict_claim_id: str) -> None:
        """When DICT shows the confirmation, unless the claim ends before."""
        status: list[str] = []

        def look() -> bool:
            with suppress(grpc.RpcError):
                status[:] = [self._dicts.status(dict_claim_id, self._since)]
            return bool(status) and status[0] in ("CONFIRMED", "COMPLETED", "CANCELLED")

        if await seen(look, OPEN_SECONDS_MAX) and status[0] == "CONFIRMED":
            await self._core.prove(self._played.claim_id)

    def _has(self, when: When) -> bool:
        return any(decision.when is when for decision in self._plan.decisions)

    async def _decide(self, when: When, decided_at: datetime | None) -> None:
        for decision in self._plan.decisions:
            if decision.when is not when:
                continue
            ce_id = _uuid(Random(f"{self._played.claim_id}-{len(self._played.decisions)}"))
            at = decided_at or datetime.now(UTC)
            for copy in range(decision.copies):
                await self._core.decide(
                    self._played.claim_id, ce_id, accept=decision.accept, decided_at=at
                )
                if copy == 0:
                    heard = ToldDecision(ce_id, decision, datetime.now(UTC))
                    self._played.decisions.append(heard)


async def _outage(outage: Outage, dicts: DictSide) -> None:
    await pause(outage.after / 1000)
    await insist(lambda: dicts.outage(on=True))
    await pause(outage_seconds(outage.days))
    await insist(lambda: dicts.outage(on=False))


async def insist(act: Callable[[], object]) -> None:
    """Until the simulator is there to take it."""

    def done() -> bool:
        with suppress(grpc.RpcError):
            act()
            return True
        return False

    assert await seen(done, OPEN_SECONDS_MAX), "the simulator does not answer"


async def _revive(stage: Stage) -> None:
    while True:
        await asyncio.sleep(REVIVE_SECONDS)
        stage.revive()


async def _at(instant: datetime) -> None:
    await pause((instant - datetime.now(UTC)).total_seconds())


def _uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
