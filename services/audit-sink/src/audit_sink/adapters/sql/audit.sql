-- The sink's statements. The gate comes first; the chain number last, in a statement of its own.

-- name: gate_insert
-- Sorted, since two sinks with unsorted batches deadlock. Counted, since nearly always all pass.
WITH passed AS (
    INSERT INTO audit.event_ids (event_id, content_digest)
    SELECT event_id, content_digest
    FROM unnest($1::uuid[], $2::bigint[]) AS candidate (event_id, content_digest)
    ORDER BY event_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) AS passed FROM passed;

-- name: gate_stopped
-- Those that another transaction had let through before.
SELECT event_id, content_digest
FROM audit.event_ids
WHERE event_id = ANY($1::uuid[]) AND xmin <> pg_current_xact_id()::xid;

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
