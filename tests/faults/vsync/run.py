"""One seed: keys change, a run repairs while processes die; the next run finds what remained."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from tests.faults.core_side import core_side
from tests.faults.dict_side import dict_side
from tests.faults.judging import Verdict, kept
from tests.faults.results import Line, line_of
from tests.faults.stage import Watch, pause, seen
from tests.faults.vsync.bank import PlayedKey, SeedBank
from tests.faults.vsync.facts import RUNS, Facts, Row, facts_of
from tests.faults.vsync.judging import KEY_TYPES, Rounds, complaints
from tests.faults.vsync.killing import Killing
from tests.faults.vsync.plan import VsyncPlan, Way
from tests.faults.vsync.planning import plan_of
from tests.faults.vsync.stage import Engine, VsyncStage

END_SECONDS_MAX = 240.0
READ_SECONDS_MAX = 120.0
LOOK_SECONDS = 0.4
SETTLED_SECONDS = 0.6
"""What is younger is not judged by a run of these worlds."""
A_MOMENT = timedelta(milliseconds=100)
"""The broker's clock counts in milliseconds, and no run reads a log from a time to come."""
KEPT = "P1 P2 P6 P7 P9 P10"
_READ = """
SELECT (numbers->>'CORE')::bigint AS number FROM vsync.entries WHERE entry_id = $1
"""
_AUDITED = """
SELECT count(*) AS there FROM audit.workflow_events
WHERE event_payload->>'participant' = $1
    AND event_subtype IN ('vsync.completed', 'vsync.failed')
"""


@dataclass
class Play:
    """One seed under way. `killed`: a line for each kill; `asked`: how many runs of the whole
    participant were asked for."""

    plan: VsyncPlan
    stage: VsyncStage
    watch: Watch
    bank: SeedBank
    killed: list[str]
    asked: int = 0

    async def all(self) -> Rounds:
        """From the first report to the judge's facts."""
        await self.bank.open(self.plan)
        await self._all_read()
        if self.plan.proven:
            await self._ended(await self._ask(Way.LOG))
        await self._behind_our_back()
        await pause(SETTLED_SECONDS)
        await self._first_run()
        await self._all_read()
        await self.stage.restart_dict()
        await pause(SETTLED_SECONDS)
        first = await facts_of(self.bank.participant, self.watch)
        await self._ended(await self._ask(self.plan.again))
        await self._audited()
        last = await facts_of(self.bank.participant, self.watch)
        types = {key.papers.key_type for key in self.bank.keys}
        at_dict = {it: self.bank.set_at_dict(it) for it in types}
        return Rounds(self.asked, first, last, self.bank.keys, at_dict)

    async def _behind_our_back(self) -> None:
        for it in self.bank.keys:
            if it.plan.at is None:
                await self.bank.befall(it)

    async def _first_run(self) -> None:
        """With everything that happens meanwhile."""
        await self.bank.trouble(self.plan)
        known = [row["id"] for row in await self._runs()]
        participant = self.bank.participant
        killing = Killing(
            self.stage, self.watch, self.bank.dicts, participant, list(known), self.killed
        )
        async with self._reviving():
            async with asyncio.TaskGroup() as group:
                for kill in self.plan.kills:
                    group.create_task(killing.run(kill))
                command_id = await self._ask(self.plan.way)
                group.create_task(self._ended(command_id))
                for it in self.bank.keys:
                    group.create_task(self._meanwhile(it))
            await self.bank.recover()
        await self.stage.inner.ready()

    async def _meanwhile(self, it: PlayedKey) -> None:
        if it.plan.at is not None:
            await pause(it.plan.at / 1000)
            await self.bank.befall(it)
        if it.plan.told is not None:
            await pause(it.plan.told / 1000)
            await self.bank.tell(it)

    async def _ask(self, way: Way) -> UUID:
        """`vsync.run`."""
        command_id = UUID(int=self.bank.ids.getrandbits(128), version=4)
        now = datetime.now(UTC)
        record = {
            "participant": self.bank.participant,
            "sync_type": "FULL" if way is Way.FILE else "INCREMENTAL",
            "last_sync_date": now - A_MOMENT if way is Way.BLIND else None,
            "requested_at": now,
            "requested_by": "operator-1",
        }
        participant = self.bank.participant
        await self.bank.core.command("vsync.run", participant, command_id, record)
        self.asked += 1
        return command_id

    async def _ended(self, command_id: UUID) -> None:
        """All runs that were asked for have ended."""
        stops = any(fault.spoils for fault in self.plan.files)
        engine = Engine(self.stage, self.bank.participant, command_id, stops)
        wanted = self.asked * (KEY_TYPES + 1)

        async def ended() -> bool:
            await engine.look()
            rows = await self._runs()
            return len(rows) >= wanted and all(row["completed_at"] for row in rows)

        deadline = time.monotonic() + END_SECONDS_MAX
        while not await seen(ended, 0):
            assert time.monotonic() < deadline, f"a run has not ended: {await self._open()}"
            await asyncio.sleep(LOOK_SECONDS)

    async def _open(self) -> str:
        rows = [row for row in await self._runs() if row["completed_at"] is None]
        return ", ".join(f"{row['workflow_id']} {row['status']}" for row in rows) or "not begun"

    async def _runs(self) -> Sequence[Row]:
        return [dict(it) for it in await self.watch.rows(RUNS, self.bank.participant) or []]

    async def _all_read(self) -> None:
        """Core's last word about each key is in our base."""

        async def read() -> bool:
            for it in self.bank.keys:
                rows = await self.watch.rows(_READ, it.core_id) if it.version else []
                if it.version and not (rows and (rows[0]["number"] or 0) >= it.version):
                    return False
            return True

        assert await seen(read, READ_SECONDS_MAX), "Core's reports are not in our base"

    async def _audited(self) -> None:
        """The last events have come through."""

        async def there() -> bool:
            rows = await self.watch.rows(_AUDITED, self.bank.participant)
            return (
                bool(rows) and rows is not None and rows[0]["there"] >= self.asked * (KEY_TYPES + 1)
            )

        await seen(there, READ_SECONDS_MAX)

    @asynccontextmanager
    async def _reviving(self) -> AsyncIterator[None]:
        """What a platform does."""

        async def revive() -> None:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                self.stage.inner.revive()

        task = asyncio.create_task(revive())
        try:
            yield
        finally:
            task.cancel()


async def run_seed(seed: int, stage: VsyncStage, commit: str) -> Line:
    """Plays and judges a seed. What goes wrong on the way is a broken seed too."""
    began = time.monotonic()
    plan, watch = plan_of(seed), Watch(stage.world)
    killed: list[str] = []
    try:
        rounds = await played(plan, stage, watch, killed)
        verdict = await judged(rounds, stage, watch)
    except Exception as problem:  # noqa: BLE001 a runner that stops shows one broken seed only
        told = _told(problem)
        return Line(commit, seed, time.monotonic() - began, tuple(killed), (), "not seen", told)
    finally:
        watch.drop()
    line = line_of(commit, seed, time.monotonic() - began, killed, verdict)
    return line if line.broken else _with_promises(line)


async def played(plan: VsyncPlan, stage: VsyncStage, watch: Watch, killed: list[str]) -> Rounds:
    """What became of a plan; `killed` gets a line for each kill."""
    participant = await stage.next_participant(watch)
    ids = Random(f"{plan.seed}-{participant}-{time.time_ns()}")
    async with core_side(stage.world) as core:
        with dict_side(stage.world.environment) as dicts:
            bank = SeedBank(participant, core, dicts, ids)
            return await Play(plan, stage, watch, bank, killed).all()


async def judged(rounds: Rounds, stage: VsyncStage, watch: Watch) -> Verdict:
    """The seed's own rules, and the promises over all that the world has seen."""
    broken = complaints(rounds)
    promises = await kept(stage.inner, watch)
    broken += [f"{it.name}: {what}" for it in promises for what in it.broken]
    return Verdict(_ends(rounds.first), promises, tuple(broken))


def _ends(first: Facts) -> tuple[str, ...]:
    """How the first run ended, and what it did."""
    runs = Counter(
        f"{row['status']}{':' + row['reason_code'] if row['reason_code'] else ''}"
        for row in first.runs
        if row["key_type"] is not None
    )
    states = Counter(row["state"] for row in first.discrepancies)
    return tuple(f"{name}={count}" for name, count in (*runs.items(), *states.items()))


def _with_promises(line: Line) -> Line:
    return Line(line.commit, line.seed, line.seconds, line.killed, line.ends, KEPT, line.broken)


def _told(problem: BaseException) -> tuple[str, ...]:
    if isinstance(problem, BaseExceptionGroup):
        return tuple(line for one in problem.exceptions for line in _told(one))
    return (f"{type(problem).__name__}: {problem}",)
