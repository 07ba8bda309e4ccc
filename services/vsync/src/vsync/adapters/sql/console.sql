-- What operators see of runs, discrepancies and reviews: read as operator_ro.

-- name: runs
-- $1 to $8 choose, NULL is any. $5: the end of the workflow's id, which names the command.
SELECT run.id AS run_id, report.id AS report_id, run.workflow_id,
       run.participant_ispb AS participant, run.key_type, run.sync_type,
       CASE run.status WHEN 'PARTIAL_SUCCESS' THEN 'PARTIAL' ELSE run.status END AS status,
       run.dict_result, run.reason_code, run.started_at, run.completed_at AS ended_at,
       report.entries_synced AS keys, report.discrepancies AS found,
       report.entries_created AS created, report.entries_updated AS updated,
       report.entries_deleted AS in_review, report.failed, report.requests, report.duration_ms,
       run.last_ok_at AS proven_before, COALESCE(run.verified_at, run.last_ok_at) AS proven_at,
       encode(run.local_vsync, 'hex') AS vsync
FROM workflows.vsync_workflows AS run
LEFT JOIN vsync.sync_reports AS report ON report.run_id = run.id
WHERE ($1::text IS NULL OR run.participant_ispb = $1)
    AND ($2::text IS NULL OR run.key_type = $2)
    AND ($3::text IS NULL
         OR run.status = CASE $3::text WHEN 'PARTIAL' THEN 'PARTIAL_SUCCESS' ELSE $3::text END)
    AND ($4::uuid IS NULL OR $4 IN (run.id, report.id))
    AND ($5::text IS NULL OR right(run.workflow_id, length($5::text) + 1) = '-' || $5::text)
    AND ($6::timestamptz IS NULL OR run.started_at >= $6)
    AND ($7::timestamptz IS NULL OR run.started_at <= $7)
    AND ($8::boolean IS NULL OR (run.key_type IS NOT NULL) = $8)
ORDER BY run.started_at DESC, run.id
LIMIT $9;

-- name: sets
WITH known AS (
    SELECT participant, key_type FROM vsync.folds
    UNION
    SELECT participant_ispb, key_type FROM workflows.vsync_workflows WHERE key_type IS NOT NULL
)
SELECT known.participant, known.key_type, COALESCE(fold.keys, 0) AS keys, fold.c1, fold.c2, fold.c3,
       fold.c4, proof.at AS proven_at, last.id AS last_run_id, last.started_at AS last_run_at,
       CASE last.status WHEN 'PARTIAL_SUCCESS' THEN 'PARTIAL' ELSE last.status END AS last_status
FROM known
LEFT JOIN vsync.folds AS fold USING (participant, key_type)
LEFT JOIN LATERAL (
    SELECT max(verified_at) AS at FROM workflows.vsync_workflows
    WHERE participant_ispb = known.participant AND key_type = known.key_type
) AS proof ON TRUE
LEFT JOIN LATERAL (
    SELECT id, started_at, status FROM workflows.vsync_workflows
    WHERE participant_ispb = known.participant AND key_type = known.key_type
    ORDER BY started_at DESC LIMIT 1
) AS last ON TRUE
ORDER BY proof.at NULLS FIRST, known.participant, known.key_type;

-- name: discrepancies
-- One of $1 to $3 chooses.
SELECT found.run_id, found.rung, found.number, found.type, found.entry_id, found.key_hash,
       found.local_cid, found.remote_cid, found.local_sealed, found.remote_sealed, found.dict_at,
       found.seen_at, found.state, found.reason_code, found.settled_at,
       run.participant_ispb AS participant, run.key_type, run.started_at,
       run.last_ok_at AS proven_before, review.id AS review_id, review.status AS review_status
FROM vsync.discrepancies AS found
JOIN workflows.vsync_workflows AS run ON run.id = found.run_id
LEFT JOIN vsync.manual_review_queue AS review
    ON found.state = 'IN_REVIEW' AND review.run_id = found.run_id
        AND review.entry_id = found.entry_id
WHERE ($1::uuid[] IS NULL OR found.run_id = ANY($1))
    AND ($2::uuid IS NULL OR found.entry_id = $2)
    AND ($3::text[] IS NULL OR found.key_hash = ANY($3))
ORDER BY run.started_at DESC, found.run_id, found.rung, found.number
LIMIT $4;

-- name: cid_history
-- Of entries, and of CIDs whoever had them: one index for each.
SELECT id, entry_id, event, source, dict_time, caused_by, at, c1, c2, c3, c4
FROM vsync.cid_history WHERE entry_id = ANY($1::uuid[])
UNION
SELECT past.id, past.entry_id, past.event, past.source, past.dict_time, past.caused_by, past.at,
       past.c1, past.c2, past.c3, past.c4
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS named (c1, c2, c3, c4)
JOIN vsync.cid_history AS past USING (c1, c2, c3, c4)
ORDER BY id;

-- name: refused_reports
SELECT event_payload ->> 'aggregate_id' AS entry_id, event_payload ->> 'reason_code' AS reason_code,
       event_payload ->> 'detail' AS detail, event_payload ->> 'command_id' AS command_id,
       occurred_at
FROM audit.workflow_events
WHERE aggregate_type = 'command' AND event_payload ->> 'aggregate_id' = ANY($1::text[])
    AND occurred_at >= COALESCE($2::timestamptz, '-infinity') AND occurred_at <= $3
ORDER BY occurred_at;

-- name: command
SELECT fingerprint, outcome FROM connect.inbox WHERE consumer = $1 AND ce_id = $2;

-- name: refusal
-- What the sender was told; nothing until the audit has it.
SELECT event_payload ->> 'detail' AS detail
FROM audit.workflow_events
WHERE aggregate_type = 'command' AND aggregate_id = $1::text;

-- name: reviews
SELECT review.id AS review_id, review.entry_id, review.participant, review.key_type,
       review.key_encrypted, review.status, review.reason, encode(review.cid, 'hex') AS cid,
       review.run_id, review.created_at, review.decide_by, review.reviewed_by, review.reviewed_at,
       review.action_taken, review.resolved_at, entry.active AS entry_active,
       entry.source AS told_by, entry.dict_time
FROM vsync.manual_review_queue AS review
LEFT JOIN vsync.entries AS entry USING (entry_id)
WHERE ($1::uuid IS NULL OR review.id = $1)
    AND ($2::text IS NULL OR review.status = $2)
    AND ($3::boolean OR review.status <> 'RESOLVED')
    AND ($4::timestamptz IS NULL OR (review.decide_by < $4 AND review.status <> 'RESOLVED'))
ORDER BY review.status = 'RESOLVED', review.decide_by, review.id
LIMIT $5;

-- name: entries_of_cids
-- Whose they are now, or were last.
SELECT DISTINCT ON (past.c1, past.c2, past.c3, past.c4)
    past.c1, past.c2, past.c3, past.c4, past.entry_id, past.event, past.source, past.at
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS named (c1, c2, c3, c4)
JOIN vsync.cid_history AS past USING (c1, c2, c3, c4)
ORDER BY past.c1, past.c2, past.c3, past.c4, past.id DESC;
