-- What operators see of replays, as operator_ro.

-- name: replays
-- The newest, or the one that is asked for; sums over its spans.
SELECT run.run_id, run.state, run.sandbox, run.sandbox_state, run.operator, run.reason, run.topics,
       run.published_from, run.published_until, run.requested_at, run.planned_at, run.ended_at,
       run.active_seconds, run.waits_for, run.held_until > now() AS held,
       read.entries, read.bytes, read.entries_read, read.messages, read.outside, read.new_rows,
       read.duplicates, read.refused
FROM (
    SELECT * FROM connect.replays
    WHERE $1::uuid IS NULL OR run_id = $1
    ORDER BY requested_at DESC
    LIMIT $2
) AS run
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(entries), 0)::bigint      AS entries,
           COALESCE(sum(bytes), 0)::bigint        AS bytes,
           COALESCE(sum(entries_read), 0)::bigint AS entries_read,
           COALESCE(sum(messages), 0)::bigint     AS messages,
           COALESCE(sum(outside), 0)::bigint      AS outside,
           COALESCE(sum(new_rows), 0)::bigint     AS new_rows,
           COALESCE(sum(duplicates), 0)::bigint   AS duplicates,
           COALESCE(sum(refused), 0)::bigint      AS refused
    FROM connect.replay_spans
    WHERE run_id = run.run_id
) AS read
ORDER BY run.requested_at;

-- name: replay_spans
SELECT topic, partition, first, last, position, done, entries, entries_read, messages, outside,
       new_rows, duplicates, refused
FROM connect.replay_spans
WHERE run_id = $1
ORDER BY topic, partition;

-- name: replay_refusals
SELECT topic, partition, message_id, reason_code, detail
FROM connect.replay_refusals
WHERE run_id = $1
ORDER BY topic, partition, message_id
LIMIT $2;

-- name: replay_rate
-- Of the last replays of that kind that have read something.
SELECT sum(entries_read) / sum(active_seconds) AS entries_per_second
FROM (
    SELECT active_seconds, (SELECT sum(entries_read) FROM connect.replay_spans WHERE run_id = run.run_id)
    FROM connect.replays AS run
    WHERE state = 'COMPLETED' AND sandbox = $1 AND active_seconds > 0
    ORDER BY ended_at DESC
    LIMIT 5
) AS last (active_seconds, entries_read);

-- name: replay_compare_mine
-- What the sandbox has and the audit has not, or not so: every column but id, batch_id, leaf_no and
-- where and when the message was found, for an event may have been published twice.
SELECT mine.event_id, mine.occurred_at, mine.event_subtype, live.event_id IS NOT NULL AS there,
       :mine, :live
FROM :sandbox.workflow_events AS mine
LEFT JOIN audit.workflow_events AS live USING (event_id)
WHERE live.event_id IS NULL OR (:compared_mine) IS DISTINCT FROM (:compared_live);

-- name: replay_compare_live
-- The audit's rows that came from what was read, and are not in the sandbox; and those of its topics
-- that do not say where they came from, which nothing of ours has written.
WITH span AS (
    SELECT $2 || topic AS topic, partition,
           ARRAY[split_part(first, ':', 1)::bigint, split_part(first, ':', 2)::bigint] AS first,
           ARRAY[split_part(last, ':', 1)::bigint, split_part(last, ':', 2)::bigint]   AS last
    FROM connect.replay_spans
    WHERE run_id = $1
)
SELECT live.event_id, live.occurred_at, live.event_subtype
FROM (
    SELECT event_id, occurred_at, event_subtype, metadata ->> 'topic' AS topic,
           CASE WHEN known THEN (metadata ->> 'partition')::int END                AS partition,
           CASE WHEN known THEN (metadata ->> 'published_at')::timestamptz END     AS published_at,
           CASE WHEN known THEN ARRAY[split_part(metadata ->> 'message_id', ':', 1)::bigint,
                                      split_part(metadata ->> 'message_id', ':', 2)::bigint] END AS place
    FROM (
        SELECT event_id, occurred_at, event_subtype, metadata,
               COALESCE(metadata ->> 'message_id' ~ '^[0-9]{1,18}:[0-9]{1,18}:[0-9]{1,6}:(-1|[0-9]{1,9})$'
                    AND metadata ->> 'partition' ~ '^[0-9]{1,6}$'
                    AND pg_input_is_valid(metadata ->> 'published_at', 'timestamptz'), false) AS known
        FROM audit.workflow_events
        WHERE metadata ->> 'topic' IN (SELECT topic FROM span)
    ) AS row
) AS live
WHERE (place IS NULL
       OR (($3::timestamptz IS NULL OR published_at >= $3)
           AND ($4::timestamptz IS NULL OR published_at < $4)
           AND EXISTS (SELECT FROM span
                       WHERE span.topic = live.topic AND span.partition = live.partition
                         AND place >= span.first AND place <= span.last)))
  AND NOT EXISTS (SELECT FROM :sandbox.workflow_events AS mine WHERE mine.event_id = live.event_id);

-- name: replay_sandbox_rows
SELECT count(*) AS rows FROM :sandbox.workflow_events;
