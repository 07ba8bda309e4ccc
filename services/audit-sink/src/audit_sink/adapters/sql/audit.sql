-- The sink's statements. The gate comes first; the chain number last, in a statement of its own.

-- name: gate_insert
-- Sorted, since two sinks with unsorted batches deadlock.
INSERT INTO audit.event_ids (event_id, content_digest)
SELECT event_id, content_digest
FROM unnest($1::uuid[], $2::bigint[]) AS candidate (event_id, content_digest)
ORDER BY event_id
ON CONFLICT DO NOTHING
RETURNING event_id;

-- name: gate_digests
SELECT event_id, content_digest FROM audit.event_ids WHERE event_id = ANY($1::uuid[]);

-- name: batch_parts_insert
INSERT INTO audit.batch_parts (batch_id, month, rows, root)
SELECT $1, * FROM unnest($2::date[], $3::int[], $4::bytea[]);

-- name: chain_lock
SELECT pg_advisory_xact_lock(hashtext('dict-connect.audit-chain'));

-- name: batch_insert
INSERT INTO audit.batches (batch_id, chain_no, rows, root)
SELECT $1, COALESCE(max(chain_no), 0) + 1, $2, $3 FROM audit.batches;

-- name: ensure_partition
SELECT audit.ensure_partition($1);

-- name: partition_months
SELECT to_date(substring(child.relname FROM '[0-9]{4}_[0-9]{2}$'), 'YYYY_MM') AS month
FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'audit.workflow_events'::regclass AND child.relname ~ '[0-9]{4}_[0-9]{2}$';

-- name: search
-- An aggregate's events by sequence; commands that were refused name the claim in their body.
SELECT aggregate_type, aggregate_id, aggregate_sequence, occurred_at, event_type, event_subtype,
       event_id, source, workflow_type, workflow_id, correlation_id, participant_ispb,
       event_payload, metadata
FROM audit.workflow_events
WHERE (aggregate_type IN ('claim', 'claim-donor') AND aggregate_id = $1::text)
   OR (aggregate_type = 'command' AND event_payload ->> 'aggregate_id' = $1::text)
ORDER BY aggregate_type = 'command', aggregate_type, source, aggregate_sequence, occurred_at
LIMIT $2;
