-- The replayer's statements. Whatever changes a run asks whether it still is this process's.

-- name: replay_claim
UPDATE connect.replays
SET holder = $1, held_until = now() + INTERVAL '30 seconds'
WHERE run_id = (
    SELECT run_id
    FROM connect.replays
    WHERE state = 'RUNNING' AND (holder IS NULL OR held_until < now())
    ORDER BY requested_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING run_id, topics, published_from, published_until, sandbox, planned_at IS NOT NULL AS planned;

-- name: replay_hold
UPDATE connect.replays
SET held_until = now() + INTERVAL '30 seconds', active_seconds = active_seconds + $3, waits_for = $4
WHERE run_id = $1 AND holder = $2 AND state = 'RUNNING'
RETURNING run_id;

-- name: replay_release
UPDATE connect.replays
SET holder = NULL, held_until = NULL
WHERE run_id = $1 AND holder = $2;

-- name: replay_sandbox_make
SELECT audit.sandbox_make($1);

-- name: replay_plan
UPDATE connect.replays
SET planned_at = now(), sandbox_state = CASE WHEN sandbox THEN 'THERE' END
WHERE run_id = $1 AND holder = $2 AND state = 'RUNNING' AND planned_at IS NULL
RETURNING run_id;

-- name: replay_spans_insert
INSERT INTO connect.replay_spans (run_id, topic, partition, first, last, entries, bytes)
SELECT $1, *
FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]);

-- name: replay_spans_open
SELECT topic, partition, first, last, entries, bytes
FROM connect.replay_spans
WHERE run_id = $1 AND NOT done
ORDER BY topic, partition;

-- name: replay_position
SELECT position FROM connect.replay_spans WHERE run_id = $1 AND topic = $2 AND partition = $3;

-- name: replay_step
UPDATE connect.replay_spans AS span
SET position = $6, entries_read = entries_read + $7, messages = messages + $8,
    outside = outside + $9, new_rows = new_rows + $10, duplicates = duplicates + $11,
    refused = refused + $12
FROM connect.replays AS run
WHERE run.run_id = $1 AND run.holder = $2 AND run.state = 'RUNNING'
  AND span.run_id = $1 AND span.topic = $3 AND span.partition = $4
  AND span.position IS NOT DISTINCT FROM $5
RETURNING span.refused - $12 AS refused_before;

-- name: replay_refusals_insert
INSERT INTO connect.replay_refusals (run_id, topic, partition, message_id, reason_code, detail)
SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], $6::text[])
ON CONFLICT DO NOTHING;

-- name: replay_span_done
UPDATE connect.replay_spans AS span
SET done = true
FROM connect.replays AS run
WHERE run.run_id = $1 AND run.holder = $2 AND run.state = 'RUNNING'
  AND span.run_id = $1 AND span.topic = $3 AND span.partition = $4
RETURNING span.done;

-- name: replay_complete
UPDATE connect.replays AS run
SET state = 'COMPLETED', ended_at = now(), waits_for = NULL
WHERE run.run_id = $1 AND run.holder = $2 AND run.state = 'RUNNING' AND run.planned_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM connect.replay_spans AS span WHERE span.run_id = $1 AND NOT span.done)
RETURNING run.run_id;

-- name: replay_sandboxes_to_drop
-- A run that was cancelled may have a step under way: that of its holder, until its time is over.
SELECT run_id
FROM connect.replays
WHERE sandbox_state = 'TO_DROP' AND (holder IS NULL OR held_until < now())
ORDER BY requested_at
LIMIT 10;

-- name: replay_sandbox_drop
SELECT audit.sandbox_drop($1);

-- name: replay_sandbox_dropped
UPDATE connect.replays SET sandbox_state = 'DROPPED' WHERE run_id = $1 AND sandbox_state = 'TO_DROP';
