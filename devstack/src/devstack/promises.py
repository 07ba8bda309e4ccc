"""The product's promises as queries: run at the end of the demo and after every fault test.

P1 no acknowledged event is missing from audit or dead letters · P2 no event twice in audit ·
P3 one terminal resolution per claim, and DICT's ledger agrees · P4 no legal deadline has passed
unacted · P5 the completion's RequestId was durable before the call left · P6 VSYNC deletes nothing
· P7 what it calls COMPLETED is DICT's · P9 outbox empty,
version = max(sequence) = count · P10 sequences are 1..n. (P12 is `devstack.planted`.)
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from devstack.cast import CALL_SECONDS_MAX, OtherSide, other_side
from devstack.topic_dump import DumpedMessage, dump_topics
from devstack.vsync_promises import deleted_by_a_run, not_as_proven
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2

SHOWN_MAX = 5
ENDS = {"COMPLETED": "CompleteClaim", "CANCELLED": "CancelClaim"}
"""The operation of DICT's ledger that ends a claim so, beside a jump of the simulator."""
OPEN = ("OPEN", "WAITING_RESOLUTION", "CONFIRMED")
LIST_MAX = 200


@dataclass(frozen=True)
class Promise:
    """A promise and what broke it; empty = it holds. `seen` says over how much it was looked."""

    name: str
    text: str
    seen: str
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """Where a check looks."""

    database: "asyncpg.Connection[Any]"
    messages: tuple[DumpedMessage, ...]
    dict_side: OtherSide
    participants: tuple[str, ...]


Check = Callable[[Evidence], Awaitable[Promise]]


@asynccontextmanager
async def _as_operator(
    environment: Mapping[str, str],
) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """The database, as a role that may only read."""
    database = await asyncpg.connect(
        environment["DICT_POSTGRES_URL"], user="operator_ro", passfile=environment["PGPASSFILE"]
    )
    try:
        yield database
    finally:
        await database.close()


async def keep_promises(environment: Mapping[str, str]) -> tuple[Promise, ...]:
    """Checks P1 to P7, P9 and P10 of a quiet system. Raises OSError, PulsarException, RpcError."""
    messages = tuple(dump_topics(environment["DICT_PULSAR_URL"], environment["DICT_PULSAR_TENANT"]))
    async with _as_operator(environment) as database:
        with other_side(environment) as dict_side:
            participants = tuple(environment["CLAIM_ORCHESTRATOR_PARTICIPANTS"].split(","))
            evidence = Evidence(database, messages, dict_side, participants)
            return tuple([await check(evidence) for check in CHECKS])


async def outbox_rows(environment: Mapping[str, str]) -> int:
    """How many events wait to be sent: 0 when the system is quiet."""
    async with _as_operator(environment) as database:
        return int(await database.fetchval("SELECT count(*) FROM connect.outbox"))


async def _p1(evidence: Evidence) -> Promise:
    sent = {
        message.properties.get("ce_id", "")
        for message in evidence.messages
        if message.topic.namespace == "events"
    }
    buried = {
        message.properties.get("ce_id", "")
        for message in evidence.messages
        if message.topic.full_name() == "persistent://dict/dead-letters/audit-sink"
    }
    rows = await evidence.database.fetch("SELECT event_id::text FROM audit.workflow_events")
    missing = sent - buried - {row["event_id"] for row in rows}
    return Promise(
        "P1",
        "no event on a topic is missing from audit or dead letters",
        f"{len(sent)} events",
        tuple(sorted(missing)),
    )


async def _p2(evidence: Evidence) -> Promise:
    rows = await evidence.database.fetch(
        "SELECT event_id::text FROM audit.workflow_events GROUP BY event_id HAVING count(*) > 1"
    )
    total = await evidence.database.fetchval("SELECT count(*) FROM audit.workflow_events")
    broken = tuple(row["event_id"] for row in rows)
    return Promise("P2", "no event stands twice in audit", f"{total} rows", broken)


async def _p3(evidence: Evidence) -> Promise:
    claims = await evidence.database.fetch(
        """
        SELECT claim.claim_id::text, claim.dict_claim_id::text, claim.status,
               count(event.event_id) AS terminal
        FROM workflows.claim_workflows AS claim
        LEFT JOIN audit.workflow_events AS event
               ON event.aggregate_type = 'claim' AND event.aggregate_id = claim.claim_id::text
              AND event.event_subtype IN ('claim.completed', 'claim.cancelled', 'claim.failed')
        GROUP BY claim.claim_id, claim.dict_claim_id, claim.status
        """
    )
    broken = [
        f"claim {row['claim_id']} is {row['status']} with {row['terminal']} terminal events"
        for row in claims
        if row["terminal"] != (0 if row["status"] == "RUNNING" else 1)
    ]
    ends = _ends_in_ledger(evidence.dict_side)
    broken += [
        f"claim {row['claim_id']} is {row['status']}, in DICT's ledger it ended as "
        f"{', '.join(ends.get(row['dict_claim_id'], ())) or 'nothing'}"
        for row in claims
        if ends.get(row["dict_claim_id"], []) != ([row["status"]] if row["status"] in ENDS else [])
    ]
    known = {row["claim_id"]: row["dict_claim_id"] for row in claims}
    for opened in evidence.dict_side.operations("CreateClaim"):
        asked = opened.x_request_id.removeprefix("claim-").partition(":")[0]
        if known.get(asked, opened.claim_id) != opened.claim_id:
            broken.append(
                f"DICT opened {opened.claim_id} for claim {asked}, whose row names another"
            )
    return Promise(
        "P3",
        "one terminal resolution for each claim, and DICT's ledger agrees",
        f"{len(claims)} claims",
        tuple(broken),
    )


def _ends_in_ledger(dict_side: OtherSide) -> dict[str, list[str]]:
    """How each of DICT's claims ended, as often as it did."""
    ends: dict[str, list[str]] = {}
    for name in (*ENDS.values(), "Jump"):
        for row in dict_side.operations(name):
            if row.status_after in ENDS and row.status_before != row.status_after:
                ends.setdefault(row.claim_id, []).append(row.status_after)
    return ends


async def _p4(evidence: Evidence) -> Promise:
    """By the dates that we know. A CONFIRMED portability is completed however late it is."""
    rows = await evidence.database.fetch(
        """
        SELECT claim_id::text, dict_claim_id::text, claim_type, status, dict_status,
               claimer_deadline < now() AS overdue
        FROM workflows.claim_workflows WHERE dict_claim_id IS NOT NULL
        """
    )
    open_at_dict = {
        claim.id: claim.status
        for participant in evidence.participants
        for claim in _open_claims(evidence.dict_side, participant)
    }
    broken = [
        f"claim {row['claim_id']}: its deadline has passed, it is {row['status']} and DICT shows "
        f"{open_at_dict.get(row['dict_claim_id'], row['dict_status'])}"
        for row in rows
        if row["overdue"]
        and (row["status"] == "RUNNING" or row["dict_claim_id"] in open_at_dict)
        and (row["claim_type"], row["dict_status"]) != ("PORTABILITY", "CONFIRMED")
    ]
    return Promise(
        "P4", "no legal deadline has passed unacted", f"{len(rows)} claims at DICT", tuple(broken)
    )


def _open_claims(dict_side: OtherSide, participant: str) -> list[bridge_pb2.Claim]:
    """DICT's own list of a claimer's claims that are not over. The list has no cursor but time."""
    found: dict[str, bridge_pb2.Claim] = {}
    wanted = bridge_pb2.ListClaimsRequest(
        participant=participant, is_claimer=True, status=OPEN, limit=LIST_MAX
    )
    while True:
        answer = dict_side.bridge.ListClaims(wanted, timeout=CALL_SECONDS_MAX)
        fresh = [claim for claim in answer.claims if claim.id not in found]
        found.update((claim.id, claim) for claim in fresh)
        if not answer.has_more_elements or not fresh:
            return list(found.values())
        wanted.modified_after.CopyFrom(answer.claims[-1].last_modified)


async def _p5(evidence: Evidence) -> Promise:
    rows = await evidence.database.fetch(
        "SELECT dict_claim_id::text, complete_request_id::text FROM workflows.claim_workflows "
        "WHERE dict_claim_id IS NOT NULL"
    )
    stored = {row["dict_claim_id"]: row["complete_request_id"] for row in rows}
    operations = [
        operation
        for operation in evidence.dict_side.operations("CompleteClaim")
        if operation.claim_id in stored
    ]
    written = await evidence.database.fetch("SELECT request_id FROM connect.bridge_requests")
    known = {row["request_id"] for row in written}
    broken = [
        f"DICT claim {operation.claim_id} was completed under another RequestId than ours"
        for operation in operations
        if operation.request_id != stored[operation.claim_id]
    ]
    broken += [
        f"call {operation.x_request_id} reached DICT and has no row"
        for operation in operations
        if operation.x_request_id not in known
    ]
    return Promise(
        "P5",
        "the completion's RequestId was durable before the call left",
        f"{len(operations)} completions",
        tuple(broken),
    )


async def _p6(evidence: Evidence) -> Promise:
    broken, total = await deleted_by_a_run(evidence.database)
    return Promise("P6", "VSYNC has deleted no entry", f"{total} entries", tuple(broken))


async def _p7(evidence: Evidence) -> Promise:
    broken, total = await not_as_proven(evidence.database, evidence.dict_side)
    return Promise(
        "P7", "what a run called COMPLETED is DICT's VSync", f"{total} sets", tuple(broken)
    )


async def _p9(evidence: Evidence) -> Promise:
    waiting = await evidence.database.fetchval("SELECT count(*) FROM connect.outbox")
    rows = await evidence.database.fetch(
        """
        SELECT claim.claim_id::text, claim.version, count(event.event_id) AS events,
               COALESCE(max(event.aggregate_sequence), 0) AS last
        FROM workflows.claim_workflows AS claim
        LEFT JOIN audit.workflow_events AS event
               ON event.aggregate_type = 'claim' AND event.aggregate_id = claim.claim_id::text
        GROUP BY claim.claim_id, claim.version
        """
    )
    broken = [f"{waiting} rows wait in the outbox"] if waiting else []
    broken += [
        f"claim {row['claim_id']}: version {row['version']}, {row['events']} events, "
        f"last sequence {row['last']}"
        for row in rows
        if not row["version"] == row["events"] == row["last"]
    ]
    return Promise(
        "P9",
        "outbox empty, and version = last sequence = number of events",
        f"{len(rows)} claims",
        tuple(broken),
    )


async def _p10(evidence: Evidence) -> Promise:
    rows = await evidence.database.fetch(
        """
        SELECT source, aggregate_type, aggregate_id, count(*) AS events,
               count(DISTINCT aggregate_sequence) AS sequences,
               min(aggregate_sequence) AS first, max(aggregate_sequence) AS last
        FROM audit.workflow_events
        WHERE source LIKE '/dict-connect/%'
        GROUP BY source, aggregate_type, aggregate_id
        """
    )
    broken = tuple(
        f"{row['aggregate_type']} {row['aggregate_id']}: {row['events']} events, "
        f"sequences {row['first']}..{row['last']}"
        for row in rows
        if not (row["first"] == 1 and row["last"] == row["events"] == row["sequences"])
    )
    return Promise(
        "P10", "sequences are 1..n, no gap, no repeat", f"{len(rows)} aggregates", broken
    )


CHECKS: tuple[Check, ...] = (_p1, _p2, _p3, _p4, _p5, _p6, _p7, _p9, _p10)
