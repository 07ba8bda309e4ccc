"""VSYNC's promises as queries: P6 a run never deletes · P7 after COMPLETED our VSync is DICT's."""

from typing import Any

import asyncpg

from devstack.cast import CALL_SECONDS_MAX, OtherSide
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2


async def deleted_by_a_run(database: "asyncpg.Connection[Any]") -> tuple[list[str], int]:
    """Entries that are gone although neither Core nor two persons have said so, and no entry of
    Core's took their key; and how many there are of all."""
    rows = await database.fetch(
        """
        SELECT entry.entry_id::text
        FROM vsync.entries AS entry
        WHERE NOT entry.active AND entry.review_id IS NULL
            AND EXISTS (SELECT FROM vsync.cid_history AS had WHERE had.entry_id = entry.entry_id)
            AND NOT EXISTS (
            SELECT FROM audit.workflow_events AS event
            WHERE event.aggregate_type = 'entry' AND event.aggregate_id = entry.entry_id::text
                AND ((event.event_subtype = 'entry.deleted'
                      AND event.event_payload->>'source' = 'CORE')
                     OR (event.event_subtype = 'entry.corrected'
                         AND event.event_payload->>'correction' = 'ADOPTED')))
            AND NOT EXISTS (
                SELECT FROM audit.workflow_events AS event
                WHERE event.event_subtype = 'review.resolved'
                    AND event.event_payload->>'entry_id' = entry.entry_id::text
                    AND event.event_payload->>'outcome' = 'DELETED'
                    AND event.event_payload->'decided_by'->>0
                        <> event.event_payload->'decided_by'->>1)
        ORDER BY entry.entry_id
        """
    )
    total = await database.fetchval("SELECT count(*) FROM vsync.entries")
    return [row["entry_id"] for row in rows], int(total)


async def not_as_proven(
    database: "asyncpg.Connection[Any]", dict_side: OtherSide
) -> tuple[list[str], int]:
    """Sets whose last run is COMPLETED and that DICT does not call OK now, while nothing changes;
    and how many sets had such a run."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (run.participant_ispb, run.key_type)
               run.participant_ispb, run.key_type, run.status,
               (SELECT encode(int8send(COALESCE(bit_xor(c1), 0)) ||
                              int8send(COALESCE(bit_xor(c2), 0)) ||
                              int8send(COALESCE(bit_xor(c3), 0)) ||
                              int8send(COALESCE(bit_xor(c4), 0)), 'hex')
                FROM vsync.cids AS cid
                WHERE cid.active AND cid.participant = run.participant_ispb
                    AND cid.key_type = run.key_type) AS vsync
        FROM workflows.vsync_workflows AS run
        WHERE run.key_type IS NOT NULL AND run.completed_at IS NOT NULL
        ORDER BY run.participant_ispb, run.key_type, run.started_at DESC
        """
    )
    proven = [row for row in rows if row["status"] == "COMPLETED"]
    broken = []
    for row in proven:
        answer = dict_side.bridge.CreateSyncVerification(
            bridge_pb2.CreateSyncVerificationRequest(
                participant=row["participant_ispb"],
                key_type=row["key_type"],
                participant_sync_verifier=row["vsync"],
            ),
            timeout=CALL_SECONDS_MAX,
        )
        if answer.result != "OK":
            broken.append(f"{row['participant_ispb']} {row['key_type']}")
    return broken, len(proven)
