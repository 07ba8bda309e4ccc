"""One claim at a time by hand: for the special cases, which no seed hits surely."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import asyncpg
import grpc

from tests.faults.core_side import CoreSide, core_side
from tests.faults.dict_side import DictSide, dict_side
from tests.faults.judging import kept
from tests.faults.people import invented
from tests.faults.plan import ClaimPlan, Donor
from tests.faults.stage import Stage, Watch, pause, seen

SECONDS_MAX = 90.0

_ROW = """
SELECT status, resolution_type, claimer_deadline, dict_status
FROM workflows.claim_workflows WHERE claim_id = $1
"""
_OUTCOMES = "SELECT ce_id, outcome FROM workflows.claim_decisions WHERE ce_id = ANY($1::uuid[])"
_STORED = f"{_OUTCOMES} ORDER BY arrival"
_REJECTIONS = """
SELECT event_payload ->> 'reason_code' AS reason_code FROM audit.workflow_events
WHERE event_subtype = 'command.rejected' AND event_payload ->> 'command_id' = $1::text
"""


@dataclass(frozen=True)
class Opened:
    """A claim that DICT knows."""

    claim_id: UUID
    dict_claim_id: str


@dataclass
class Scene:
    """Who plays in it, and what can be seen."""

    stage: Stage
    watch: Watch
    core: CoreSide
    dicts: DictSide

    async def opens(self, claim_type: str) -> Opened:
        """Opens a claim whose donor stays silent; returns when our row shows it."""
        person = invented(90_000 + Random().randrange(9_000), 0, "PHONE", Random())
        plan = ClaimPlan(
            number=0,
            type=claim_type,
            person=person,
            donor=Donor.SILENT,
            asked=0,
            copies=1,
            noted=0,
            answered=0,
            deadline=None,
            proof=False,
            decisions=(),
        )
        since, claim_id = self.dicts.last_sequence(), uuid4()
        self.dicts.prepare((plan,), ())
        await self.core.create(plan, claim_id, uuid4())

        async def shown() -> bool:
            row = await self.row(claim_id)
            return row is not None and row["dict_status"] == "OPEN"

        assert await seen(shown, SECONDS_MAX), "the claim is not open"
        dict_claim_id = self.dicts.opened(claim_id, since)
        assert dict_claim_id is not None
        return Opened(claim_id, dict_claim_id)

    async def has_deadline_in(self, seconds: float, *claims: Opened) -> datetime:
        """DICT moves their day 30; returns when our rows know of it."""
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        day_seconds = int(self.stage.world.environment["DICT_CLAIM_DAY_SECONDS"])
        for claim in claims:
            self.dicts.move_deadline(claim.dict_claim_id, deadline, day_seconds)

        async def known() -> bool:
            rows = [await self.row(claim.claim_id) for claim in claims]
            return all(
                row is not None and abs(row["claimer_deadline"] - deadline) < timedelta(seconds=0.1)
                for row in rows
            )

        assert await seen(known, SECONDS_MAX), "the new date is not known"
        assert datetime.now(UTC) < deadline, "the machine was too busy for this scene"
        return deadline

    async def decides(self, claim: Opened, decided_at: datetime) -> UUID:
        """Core refuses; its decision's id."""
        ce_id = uuid4()
        await self.core.decide(claim.claim_id, ce_id, accept=False, decided_at=decided_at)
        return ce_id

    async def are_stored(self, *ce_ids: UUID) -> None:
        """Returns when the consumer has kept these decisions."""

        async def stored() -> bool:
            return len(await self.watch.rows(_STORED, list(ce_ids)) or ()) == len(ce_ids)

        assert await seen(stored, SECONDS_MAX), "the decisions are not stored"

    async def passes(self, instant: datetime) -> None:
        """Returns after an instant."""
        await pause((instant - datetime.now(UTC)).total_seconds() + 0.05)

    async def end(self, claim: Opened) -> tuple[str, str]:
        """How it ended for us: status and resolution type."""

        async def ended() -> bool:
            row = await self.row(claim.claim_id)
            return row is not None and row["status"] != "RUNNING"

        assert await seen(ended, SECONDS_MAX), "the claim has not ended"
        row = await self.row(claim.claim_id)
        assert row is not None
        return row["status"], row["resolution_type"]

    async def cancellations(self, claim: Opened) -> int:
        """How often DICT's ledger has it cancelled."""
        counted: list[int] = []

        def look() -> bool:
            with suppress(grpc.RpcError):
                rows = self.dicts.operations(0)
                mine = [row for row in rows if row.claim_id == claim.dict_claim_id]
                counted[:] = [sum(row.operation == "CancelClaim" for row in mine)]
            return bool(counted)

        assert await seen(look, SECONDS_MAX)
        return counted[0]

    async def outcome(self, ce_id: UUID) -> str | None:
        """What was made of a decision, None while nobody has judged."""
        rows = await self.watch.rows(_OUTCOMES, [ce_id]) or []
        return rows[0]["outcome"] if rows else None

    async def rejection(self, ce_id: UUID) -> str:
        """The reason code that its sender was told, as audit has it."""
        found: list[str] = []

        async def told() -> bool:
            rows = await self.watch.rows(_REJECTIONS, str(ce_id)) or []
            found[:] = [row["reason_code"] for row in rows]
            return bool(found)

        assert await seen(told, SECONDS_MAX), "nobody was told"
        return found[0]

    async def row(self, claim_id: UUID) -> "asyncpg.Record | None":
        """Our row, None while it is not there or PostgreSQL is away."""
        rows = await self.watch.rows(_ROW, claim_id)
        return rows[0] if rows else None

    async def broken_promises(self) -> list[str]:
        """What does not hold once all is quiet."""
        promises = await kept(self.stage, self.watch)
        return [f"{one.name}: {what}" for one in promises for what in one.broken]


@asynccontextmanager
async def scene_on(stage: Stage) -> AsyncIterator[Scene]:
    """Core and DICT in a stage's world."""
    watch = Watch(stage.world)
    async with core_side(stage.world) as core:
        with dict_side(stage.world.environment) as dicts:
            try:
                yield Scene(stage, watch, core, dicts)
            finally:
                watch.drop()
