-- Reviews of keys that Bacen does not have, and what decisions make of them and of their entries.

-- name: review_load
SELECT review.id, review.entry_id, review.status, review.reviewed_by, review.keeps, review.cid,
       review.keep_request_id, review.version, review.created_at AS opened_at, entry.sealed
FROM vsync.manual_review_queue AS review
JOIN vsync.entries AS entry ON entry.entry_id = review.entry_id
WHERE review.id = $1;

-- name: review_lock
-- After the entry's lock, as whoever closes a review by a report.
SELECT FROM vsync.manual_review_queue WHERE id = $1 FOR UPDATE;

-- name: review_write
UPDATE vsync.manual_review_queue
SET status = $2::text, reviewed_by = $3, reviewed_at = COALESCE($4, reviewed_at), keeps = $5,
    keep_request_id = COALESCE($6, keep_request_id), decided_by = COALESCE($7, decided_by),
    reason = COALESCE($8, reason), version = version + $9::int,
    action_taken = CASE WHEN $2::text = 'RESOLVED' THEN $10 ELSE action_taken END,
    resolved_at = CASE WHEN $2::text = 'RESOLVED' THEN $4 ELSE resolved_at END,
    key_encrypted = CASE WHEN $2::text = 'RESOLVED' THEN NULL ELSE key_encrypted END,
    decide_by = COALESCE($11, decide_by)
WHERE id = $1;
