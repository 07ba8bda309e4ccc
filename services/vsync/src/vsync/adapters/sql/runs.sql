-- Runs of VSYNC, their proofs and their reports.

-- name: run_proof_before
SELECT max(verified_at) AS last_ok_at FROM workflows.vsync_workflows
WHERE participant_ispb = $1 AND key_type = $2 AND id <> $3;

-- name: run_start
-- With the first attempt's event; a repeat changes nothing. What a dead run of the set left staged
-- goes: its workflow's id is ours now, so it runs no more.
WITH proof AS (
    SELECT max(verified_at) AS at FROM workflows.vsync_workflows
    WHERE participant_ispb = $4 AND key_type = $5 AND id <> $1
), run AS (
    INSERT INTO workflows.vsync_workflows
        (id, workflow_id, workflow_run_id, execution_date, scheduled_at, started_at, status,
         participant_ispb, key_type, sync_type, cursor_at, last_ok_at, version)
    SELECT $1, $2, $3, ($6::timestamptz AT TIME ZONE 'UTC')::date, $6, $6, 'RUNNING',
           $4, $5, $7, $8, proof.at, 1
    FROM proof
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), others AS (
    SELECT id FROM workflows.vsync_workflows
    WHERE participant_ispb = $4 AND key_type = $5 AND id <> $1
), died AS (
    -- Its row would say RUNNING for ever, and keep a file of the day from others. Whole runs may go
    -- side by side; none of them takes a day.
    UPDATE workflows.vsync_workflows
    SET status = 'FAILED', completed_at = $6::timestamptz, reason_code = 'run-died'
    WHERE participant_ispb = $4 AND key_type IS NOT DISTINCT FROM $5 AND id <> $1
        AND status = 'RUNNING'
        AND started_at < $6::timestamptz
            - CASE WHEN $5 IS NULL THEN interval '24 hours' ELSE interval '0' END
), staged AS (
    DELETE FROM vsync.found_cids USING others WHERE run_id = others.id
), logged AS (
    DELETE FROM vsync.log_cids USING others WHERE run_id = others.id
)
SELECT EXISTS (SELECT FROM run) AS new;

-- name: fold_lock
-- Writers of the set wait, so that what they add comes after what is computed.
SELECT keys, c1, c2, c3, c4 FROM vsync.folds
WHERE participant = $1 AND key_type = $2
FOR UPDATE;

-- name: vsync_of
-- One statement, so one snapshot of CIDs and fold. A set that was never folded has no fold.
WITH anew AS (
    SELECT count(*) AS keys, COALESCE(bit_xor(c1), 0) AS c1, COALESCE(bit_xor(c2), 0) AS c2,
           COALESCE(bit_xor(c3), 0) AS c3, COALESCE(bit_xor(c4), 0) AS c4
    FROM vsync.cids
    WHERE participant = $1 AND key_type = $2 AND active
)
SELECT anew.*, now() AS at, EXISTS (
    SELECT FROM vsync.folds AS fold
    WHERE fold.participant = $1 AND fold.key_type = $2
        AND (fold.keys, fold.c1, fold.c2, fold.c3, fold.c4)
            <> (anew.keys, anew.c1, anew.c2, anew.c3, anew.c4)) AS fold_differs
FROM anew;

-- name: fold_mend
UPDATE vsync.folds SET keys = $3, c1 = $4, c2 = $5, c3 = $6, c4 = $7, updated_at = now()
WHERE participant = $1 AND key_type = $2;

-- name: run_verified
UPDATE workflows.vsync_workflows
SET local_vsync = $2, total_accounts_synced = $3, dict_result = $4::text,
    verified_at = COALESCE($5, verified_at)
WHERE id = $1;

-- name: files_lock
SELECT pg_advisory_xact_lock(hashtextextended('vsync.cid_files', 0));

-- name: files_left
-- Tokens that are left when those are served first that run and were proven longer ago.
SELECT $2::int
    - (SELECT count(*) FROM vsync.cid_files WHERE requested_at > now() - interval '24 hours')
    - (SELECT count(*) FROM workflows.vsync_workflows AS other
       WHERE other.status = 'RUNNING' AND other.key_type IS NOT NULL AND other.id <> $1
           AND other.started_at > now() - interval '24 hours'
           AND COALESCE(other.last_ok_at, '-infinity') < (
               SELECT COALESCE(last_ok_at, '-infinity') FROM workflows.vsync_workflows WHERE id = $1)
           AND other.verified_at IS NULL
           AND NOT EXISTS (SELECT FROM vsync.cid_files WHERE run_id = other.id)) AS left;

-- name: file_reserve
-- Counted before the order leaves: one that nobody answers has cost its token.
INSERT INTO vsync.cid_files (run_id, participant, key_type, requested_at)
VALUES ($1, $2, $3, now());

-- name: file_insert
UPDATE vsync.cid_files SET file_id = $2, requested_at = $3 WHERE run_id = $1;

-- name: file_of_run
SELECT file_id, requested_at FROM vsync.cid_files WHERE run_id = $1;

-- name: report_insert
-- $13: the set runs that a whole run sums up, none for a set's own. A repeat answers the first.
WITH parts AS (
    SELECT COALESCE(sum(entries_synced), 0) AS synced, COALESCE(sum(entries_created), 0) AS created,
           COALESCE(sum(entries_updated), 0) AS updated, COALESCE(sum(entries_deleted), 0) AS deleted,
           COALESCE(sum(discrepancies), 0) AS discrepancies, COALESCE(sum(failed), 0) AS failed,
           COALESCE(sum(requests), 0) AS requests
    FROM vsync.sync_reports WHERE run_id = ANY($13::uuid[])
), found AS (
    -- What a rung could not repair, the next one finds again: a CID counts once, as it ended.
    SELECT type, state, row_number() OVER (
        PARTITION BY COALESCE(remote_cid, local_cid) ORDER BY found_at DESC) AS from_the_last
    FROM vsync.discrepancies WHERE run_id = $2
), own AS (
    SELECT count(*) FILTER (WHERE from_the_last = 1) AS discrepancies,
           count(*) FILTER (WHERE state = 'FIXED' AND type = 'MISSING_LOCAL') AS created,
           count(*) FILTER (WHERE state = 'FIXED' AND type = 'OUTDATED_LOCAL') AS updated,
           count(*) FILTER (WHERE state = 'IN_REVIEW') AS deleted,
           count(*) FILTER (WHERE from_the_last = 1 AND state IN ('OPEN', 'FAILED')) AS failed
    FROM found
), asked AS (
    -- By the ledger: an attempt that was lost has sent its requests all the same.
    SELECT COALESCE(sum(attempt_count), 0) AS requests FROM connect.bridge_requests
    WHERE workflow_id = $8 AND workflow_run_id = $14 AND service = current_user
), made AS (
    INSERT INTO vsync.sync_reports
        (id, run_id, participant, key_type, sync_type, sync_timestamp, entries_synced,
         entries_created, entries_updated, entries_deleted, discrepancies, failed, requests,
         status, duration_ms, error_message, local_vsync)
    SELECT $1, $2, $3, $4, $5, $6, $7 + parts.synced, own.created + parts.created,
           own.updated + parts.updated, own.deleted + parts.deleted,
           own.discrepancies + parts.discrepancies, own.failed + parts.failed,
           asked.requests + parts.requests, $9,
           (extract(epoch FROM $10::timestamptz - $6::timestamptz) * 1000)::bigint, $11, $12
    FROM own, parts, asked
    ON CONFLICT (run_id) DO NOTHING
    RETURNING *
)
SELECT * FROM made
UNION ALL
SELECT * FROM vsync.sync_reports WHERE run_id = $2
LIMIT 1;

-- name: run_ended
UPDATE workflows.vsync_workflows
SET status = $2, completed_at = $3, reason_code = $4, total_operations = $5,
    operations_success = $6, operations_failed = $7, version = version + 1
WHERE id = $1 AND completed_at IS NULL
RETURNING version;

-- name: staged_delete
WITH found AS (DELETE FROM vsync.found_cids WHERE run_id = $1)
DELETE FROM vsync.log_cids WHERE run_id = $1;

-- name: proofs_age
-- Of each set that has keys or was ever verified: seconds since the last proof, NULL without any.
SELECT known.participant, known.key_type,
       extract(epoch FROM now() - max(run.verified_at))::float8 AS seconds
FROM (SELECT participant, key_type FROM vsync.folds
      UNION
      SELECT participant_ispb, key_type FROM workflows.vsync_workflows
      WHERE key_type IS NOT NULL) AS known
LEFT JOIN workflows.vsync_workflows AS run
    ON run.participant_ispb = known.participant AND run.key_type = known.key_type
    AND run.verified_at IS NOT NULL
GROUP BY known.participant, known.key_type;

-- name: reviews_open
SELECT count(*) AS open, count(*) FILTER (WHERE decide_by < now()) AS overdue
FROM vsync.manual_review_queue
WHERE status <> 'RESOLVED';
