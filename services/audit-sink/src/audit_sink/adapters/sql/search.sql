-- Reading the audit, as operator_ro. Every search has the same condition, `matching`, put in for
-- :matching. Planned anew each time, so that only what is asked stands in the plan.

-- name: matching
($1::text IS NULL
    OR (aggregate_type IN ('claim', 'claim-donor') AND aggregate_id = $1)
    OR (aggregate_type = 'command' AND event_payload ->> 'aggregate_id' = $1))
AND ($2::text IS NULL OR participant_ispb = $2)
AND ($3::text IS NULL OR event_subtype = $3)
AND ($4::text IS NULL OR event_type = $4)
AND ($5::text IS NULL OR correlation_id = $5)
AND ($6::text IS NULL OR workflow_id = $6)
AND ($7::uuid IS NULL OR event_id = $7)
AND ($8::text IS NULL OR aggregate_type = $8)
AND ($9::text IS NULL OR aggregate_id = $9)
AND ($10::timestamptz IS NULL OR occurred_at >= $10)
AND ($11::timestamptz IS NULL OR occurred_at < $11);

-- name: steady
-- Before the snapshot: what brings rows home would else move them out of its sight.
LOCK TABLE audit.workflow_events IN ACCESS SHARE MODE;

-- name: plan_anew
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true);

-- name: plan_by_index
-- The planner takes a bloom index for as good as useless, since it knows order and not membership.
SELECT set_config('enable_seqscan', 'off', true);

-- name: place
SELECT occurred_at, event_id FROM audit.workflow_events WHERE event_id = $1;

-- name: by_sequence
-- An aggregate's events by sequence; commands that were refused name the claim in their body.
SELECT :columns
FROM audit.workflow_events
WHERE :matching
  AND ($12::uuid IS NULL
       OR (aggregate_type = 'command', aggregate_type, source, aggregate_sequence, occurred_at, event_id)
        > (SELECT aggregate_type = 'command', aggregate_type, source, aggregate_sequence, occurred_at, event_id
           FROM audit.workflow_events WHERE event_id = $12))
ORDER BY aggregate_type = 'command', aggregate_type, source, aggregate_sequence, occurred_at, event_id
LIMIT $13;

-- name: newest
SELECT :columns
FROM audit.workflow_events
WHERE :matching
  AND ($12::timestamptz IS NULL OR (occurred_at, event_id) < ($12, $13::uuid))
ORDER BY occurred_at DESC, event_id DESC
LIMIT $14;

-- name: oldest
SELECT :columns, batch_id, leaf_no
FROM audit.workflow_events
WHERE :matching
ORDER BY occurred_at, event_id;

-- name: chain_head
SELECT COALESCE(max(chain_no), 0) AS head FROM audit.batches;

-- name: next_batches
-- Committed in this order: the number is taken last, under a lock that lasts to the commit.
SELECT chain_no, batch_id FROM audit.batches WHERE chain_no > $1 ORDER BY chain_no LIMIT $2;

-- name: of_batches
SELECT :columns, batch_id
FROM audit.workflow_events
WHERE :matching AND batch_id = ANY($12::uuid[])
ORDER BY array_position($12::uuid[], batch_id), leaf_no;

-- name: months
SELECT to_date(right(part.relname, 7), 'YYYY_MM') AS month
FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid
WHERE inhparent = 'audit.workflow_events'::regclass
  AND part.relname ~ '^workflow_events_[0-9]{4}_[0-9]{2}$';
