-- The desk's statements over connect.replays.

-- name: replay_known
SELECT state, sandbox_state FROM connect.replays WHERE run_id = $1;

-- name: replays_active
SELECT count(*) AS active FROM connect.replays WHERE ended_at IS NULL;

-- name: replays_lock
-- Whoever begins a replay next counts it.
SELECT pg_advisory_xact_lock(hashtextextended('connect.replays', 0));

-- name: replay_begin
INSERT INTO connect.replays
    (run_id, operator, reason, topics, published_from, published_until, sandbox)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: replay_change
-- Only if it still stands as it was judged.
UPDATE connect.replays
SET state = $4, sandbox_state = $5, waits_for = NULL,
    ended_at = CASE WHEN $4 IN ('COMPLETED', 'CANCELLED') THEN COALESCE(ended_at, now()) END
WHERE run_id = $1 AND state = $2 AND sandbox_state IS NOT DISTINCT FROM $3
RETURNING run_id;
