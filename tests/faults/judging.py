"""After a seed: every claim has ended as it may, everybody has an answer, every promise holds."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
import pulsar

from devstack.promises import Promise, keep_promises
from tests.faults.oracle import End, Heard, allowed_ends
from tests.faults.plan import DAY_SECONDS, When
from tests.faults.playing import Played, PlayedClaim
from tests.faults.stage import Stage, Watch, seen

END_SECONDS_MAX = 180.0
"""A call that lost its worker comes again after 30 s, a retried one after up to 30 s more."""
QUIET_SECONDS_MAX = 90.0
CLAIMER_DAYS = 30

_ROWS = """
SELECT claim_id, status, resolution_type, started_at, completed_at, dict_status, last_error
FROM workflows.claim_workflows WHERE claim_id = ANY($1::uuid[])
"""
_ANSWERED = """
SELECT inbox.ce_id, COALESCE(decision.outcome, NULLIF(inbox.outcome, 'stored')) AS outcome
FROM connect.inbox LEFT JOIN workflows.claim_decisions AS decision USING (ce_id)
WHERE inbox.ce_id = ANY($1::uuid[]) AND inbox.consumer LIKE '%decide'
"""
_OUTBOX = "SELECT count(*) AS waiting FROM connect.outbox"


@dataclass(frozen=True)
class Verdict:
    """`broken`: what a user or an auditor would complain of; empty = all is well."""

    ends: tuple[str, ...]
    promises: tuple[Promise, ...]
    broken: tuple[str, ...]


async def judge(played: Played, stage: Stage, watch: Watch) -> Verdict:
    """Waits until all is quiet, then looks."""
    broken: list[str] = []
    ids = [claim.claim_id for claim in played.claims]

    async def ended() -> bool:
        stage.revive()
        rows = await watch.rows(_ROWS, ids)
        return rows is not None and (
            len(rows) == len(ids) and all(row["status"] != "RUNNING" for row in rows)
        )

    if not await seen(ended, END_SECONDS_MAX):
        broken.append("a claim has not ended")
    broken += await _unanswered(played, watch)
    ends, wrong = await _ends(played, watch)
    broken += wrong
    promises = await kept(stage, watch)
    broken += [f"{one.name}: {what}" for one in promises for what in one.broken]
    return Verdict(tuple(ends), promises, tuple(broken))


async def _ends(played: Played, watch: Watch) -> tuple[list[str], list[str]]:
    rows = await watch.rows(_ROWS, [claim.claim_id for claim in played.claims]) or []
    found = {row["claim_id"]: row for row in rows}
    ends: list[str] = []
    wrong: list[str] = []
    for claim in played.claims:
        row = found.get(claim.claim_id)
        if row is None:
            ends.append(f"{claim.plan.type}:nothing")
            wrong.append(f"claim {claim.claim_id} has no row")
            continue
        end: End = (row["status"], row["resolution_type"] or "-")
        ends.append(f"{claim.plan.type[0]}:{end[1] if end[0] != 'RUNNING' else 'RUNNING'}")
        outlived = row["completed_at"] is not None and row["completed_at"] >= row[
            "started_at"
        ] + timedelta(seconds=DAY_SECONDS * CLAIMER_DAYS)
        allowed = allowed_ends(claim.plan, heard_of(claim, outlived=outlived))
        if end not in allowed:
            may = " or ".join("/".join(one) for one in sorted(allowed))
            wrong.append(
                f"claim {claim.claim_id} ({claim.plan.type}, donor {claim.plan.donor}) ended as "
                f"{'/'.join(end)}, may end as {may} (DICT: {row['dict_status']}, "
                f"error: {row['last_error']})"
            )
    return ends, wrong


def heard_of(claim: PlayedClaim, *, outlived: bool) -> Heard:
    """What the oracle has to know of a claim that was played."""
    refusals = [
        told for told in claim.decisions if not told.plan.accept and told.plan.when is not When.LATE
    ]
    limit = claim.deadline or datetime.max.replace(tzinfo=UTC)
    return Heard(
        in_time=any(told.heard_at < limit for told in refusals),
        too_late_to_wait_for=any(told.heard_at >= limit for told in refusals),
        outlived=outlived,
    )


async def _unanswered(played: Played, watch: Watch) -> list[str]:
    """Decisions that nobody answered, and late ones that were accepted."""
    told = {one.ce_id: one for claim in played.claims for one in claim.decisions}
    outcomes: dict[object, str] = {}

    async def answered() -> bool:
        rows = await watch.rows(_ANSWERED, list(told)) or []
        outcomes.update((row["ce_id"], row["outcome"]) for row in rows if row["outcome"])
        return len(outcomes) == len(told)

    broken = []
    if not await seen(answered, QUIET_SECONDS_MAX):
        missing = [str(ce_id) for ce_id in told if ce_id not in outcomes]
        broken.append(f"decisions without an answer: {', '.join(missing)}")
    broken += [
        f"late decision {ce_id} was accepted"
        for ce_id, outcome in outcomes.items()
        if outcome == "accepted" and told[ce_id].plan.when is When.LATE  # type: ignore[index]
    ]
    return broken


async def kept(stage: Stage, watch: Watch) -> tuple[Promise, ...]:
    """The promises once they hold, or as they are when time is up."""

    async def sent() -> bool:
        rows = await watch.rows(_OUTBOX)
        return bool(rows) and rows is not None and rows[0]["waiting"] == 0

    await seen(sent, QUIET_SECONDS_MAX)
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while True:
        try:
            promises = await keep_promises(stage.world.environment)
        except (OSError, pulsar.PulsarException, grpc.RpcError):
            if time.monotonic() > deadline:
                raise
            continue
        if not any(one.broken for one in promises) or time.monotonic() > deadline:
            return promises
        await seen(lambda: False, 0.3)
