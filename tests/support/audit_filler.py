"""Fills the audit with millions of rows that look like claims, by generate_series.

For plans and for measuring. The roots are made up, so nothing here proves anything: what is about
evidence is written by the sink's own store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

BATCH_ROWS = 1_000
STEP_ROWS = 100_000
STEP_SECONDS_MAX = 600.0
RARE_PARTICIPANT = "99990001"
"""Of one claim in fifty thousand."""

# A claim has eight events, which lie 10,000 rows apart: claims are interleaved as in life.
_ROWS = """
WITH numbered AS (
    SELECT n, (n / 80000) * 10000 + n % 10000 AS claim, n % 80000 / 10000 + 1 AS step
    FROM generate_series($1::bigint, $2::bigint) AS n
), told AS (
    SELECT n, claim, step,
           md5('claim-' || claim)::uuid AS claim_id,
           n % 1009 = 0 AS rejected,
           CASE WHEN step % 2 = 0 OR n % 1009 = 0 THEN NULL
                WHEN claim % 50021 = 7 THEN '99990001'
                ELSE lpad((claim % 40)::text, 8, '1') END AS participant,
           (ARRAY['claim.created', 'workflow.step', 'claim.acknowledged', 'workflow.step',
                  'claim.decided', 'workflow.step', 'claim.confirmed', 'workflow.step'])[step]
               AS told_as,
           (ARRAY['STARTED', 'ACTIVITY_EXECUTED', 'STATUS_CHANGED', 'SIGNAL_RECEIVED',
                  'DECISION_ACCEPTED', 'TIMER_FIRED', 'STATUS_CHANGED', 'ACTIVITY_EXECUTED'])[step]
               AS event_type
    FROM numbered
)
INSERT INTO audit.workflow_events
    (event_id, workflow_type, workflow_id, event_type, event_subtype, event_payload,
     correlation_id, occurred_at, metadata, source, aggregate_type, aggregate_id,
     aggregate_sequence, participant_ispb, batch_id, leaf_no)
SELECT gen_random_uuid(), 'CreateClaimWorkflow', 'claim-' || claim_id,
       CASE WHEN rejected THEN 'COMMAND_REJECTED' WHEN n % 100003 = 0 THEN 'FAILED'
            ELSE event_type END,
       CASE WHEN rejected THEN 'command.rejected' WHEN n % 100003 = 0 THEN 'claim.failed'
            ELSE told_as END,
       jsonb_build_object('aggregate_id', claim_id, 'participant', participant,
                          'key', encode(sha256(n::text::bytea), 'base64'),
                          'dict_status', 'OPEN', 'type', 'PORTABILITY', 'key_type', 'PHONE'),
       md5('asked-' || claim), $3::timestamptz + n * $4::interval,
       jsonb_build_object('topic', 'persistent://dict/events/' || told_as, 'partition', n % 4,
                          'message_id', n || ':0:0', 'schema_version', 1),
       '/dict-connect/claim-orchestrator',
       CASE WHEN rejected THEN 'command' ELSE 'claim' END,
       CASE WHEN rejected THEN gen_random_uuid() ELSE claim_id END,
       step, participant, lpad(to_hex(n / 1000), 32, '0')::uuid, n % 1000
FROM told"""
_BATCHES = """
INSERT INTO audit.batches (batch_id, chain_no, rows, root)
SELECT batch_id, row_number() OVER (ORDER BY batch_id)
                 + (SELECT COALESCE(max(chain_no), 0) FROM audit.batches),
       count(*), sha256('made up')
FROM audit.workflow_events
WHERE occurred_at >= $3::timestamptz + $1 * $4::interval
  AND occurred_at <= $3::timestamptz + $2 * $4::interval
GROUP BY batch_id"""
_PARTS = """
INSERT INTO audit.batch_parts (batch_id, month, rows, root)
SELECT batch_id, date_trunc('month', occurred_at)::date, count(*), sha256('made up')
FROM audit.workflow_events
WHERE occurred_at >= $3::timestamptz + $1 * $4::interval
  AND occurred_at <= $3::timestamptz + $2 * $4::interval
GROUP BY 1, 2"""


@dataclass(frozen=True)
class Filling:
    """So many rows, evenly from `since` to `until`."""

    rows: int
    since: datetime
    until: datetime

    @property
    def apart(self) -> timedelta:
        """From one row to the next, whole microseconds."""
        return (self.until - self.since) // self.rows

    @property
    def months(self) -> tuple[date, ...]:
        """Those that it fills."""
        first = self.since.year * 12 + self.since.month - 1
        last = self.until.year * 12 + self.until.month - 1
        return tuple(date(it // 12, it % 12 + 1, 1) for it in range(first, last + 1))


async def fill(connection: "asyncpg.Connection[Any]", filling: Filling) -> None:
    """As a superuser, into an empty audit: months, rows, batches; then VACUUM ANALYZE."""
    for month in filling.months:
        await connection.execute("SELECT audit.ensure_partition($1)", month)
    for first, last in _steps(filling.rows):
        async with connection.transaction():
            for statement in (_ROWS, _BATCHES, _PARTS):
                given = (first, last, filling.since, filling.apart)
                await connection.execute(statement, *given, timeout=STEP_SECONDS_MAX)
    await connection.execute("VACUUM ANALYZE audit.workflow_events", timeout=STEP_SECONDS_MAX)


def _steps(rows: int) -> Iterator[tuple[int, int]]:
    """First and last number of each transaction: whole batches."""
    for first in range(0, rows, STEP_ROWS):
        yield first, min(rows, first + STEP_ROWS) - 1
