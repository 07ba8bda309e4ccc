"""What can be seen of a seed's participant once all is quiet."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.faults.stage import Watch

Row = Mapping[str, Any]

RUNS = """
SELECT id, workflow_id, key_type, status, reason_code, completed_at, verified_at
FROM workflows.vsync_workflows WHERE participant_ispb = $1 ORDER BY started_at, id
"""
_REPORTS = """
SELECT report.run_id FROM vsync.sync_reports AS report WHERE report.participant = $1
"""
_EVENTS = """
SELECT event_subtype AS name, aggregate_id, event_payload::text AS payload
FROM audit.workflow_events
WHERE aggregate_type IN ('entry', 'vsync-run') AND event_payload->>'participant' = $1
"""
_DISCREPANCIES = """
SELECT found.run_id, found.rung, found.type, found.state, found.entry_id,
       encode(found.local_cid, 'hex') AS local_cid, encode(found.remote_cid, 'hex') AS remote_cid
FROM vsync.discrepancies AS found
JOIN workflows.vsync_workflows AS run ON run.id = found.run_id
WHERE run.participant_ispb = $1
"""
_ENTRIES = """
SELECT entry_id, key_type, active, review_id, version FROM vsync.entries WHERE participant = $1
"""
_CIDS = """
SELECT id AS entry_id, key_type, cid FROM vsync.cids_with_entry
WHERE ispb = $1 AND sync_status = 'synced'
"""
_HISTORY = """
SELECT DISTINCT entry_id,
       encode(int8send(c1) || int8send(c2) || int8send(c3) || int8send(c4), 'hex') AS cid
FROM vsync.cid_history WHERE participant = $1
"""
_FOLDS = """
SELECT key_type, keys,
       encode(int8send(c1) || int8send(c2) || int8send(c3) || int8send(c4), 'hex') AS vsync
FROM vsync.folds WHERE participant = $1
"""
_REVIEWS = """
SELECT id, entry_id, status FROM vsync.manual_review_queue WHERE participant = $1
"""


@dataclass
class Facts:
    """Rows of one participant. `events`: of its runs and entries, as the audit has them."""

    runs: list[Row] = field(default_factory=list)
    reports: list[UUID] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    discrepancies: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    cids: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    folds: list[Row] = field(default_factory=list)
    reviews: list[Row] = field(default_factory=list)

    def active(self, key_type: str) -> frozenset[str]:
        """The CIDs of ours that stand in a set."""
        return frozenset(row["cid"] for row in self.cids if row["key_type"] == key_type)

    def told(self, name: str) -> Counter[str]:
        """How often each aggregate has told an event of that name."""
        return Counter(row["aggregate_id"] for row in self.events if row["name"] == name)


async def facts_of(participant: str, watch: Watch) -> Facts:
    """Raises AssertionError while PostgreSQL is away."""

    async def rows(query: str) -> list[Row]:
        found = await watch.rows(query, participant)
        assert found is not None, "PostgreSQL is away"
        return [dict(row) for row in found]

    return Facts(
        runs=await rows(RUNS),
        reports=[row["run_id"] for row in await rows(_REPORTS)],
        events=await rows(_EVENTS),
        discrepancies=await rows(_DISCREPANCIES),
        entries=await rows(_ENTRIES),
        cids=await rows(_CIDS),
        history=await rows(_HISTORY),
        folds=await rows(_FOLDS),
        reviews=await rows(_REVIEWS),
    )


def xor(cids: frozenset[str]) -> str:
    """Their VSync."""
    value = 0
    for cid in cids:
        value ^= int(cid, 16)
    return f"{value:064x}"
