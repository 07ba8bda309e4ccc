-- Months of audit.workflow_events. The functions run as the owner: no role of ours may do it itself.

-- name: ensure_partition
SELECT audit.ensure_partition($1) AS made;

-- name: partitions
-- Detached months keep their name, so they are found by it.
SELECT to_date(right(part.relname, 7), 'YYYY_MM') AS month,
       'audit.' || part.relname                   AS table,
       NULLIF(part.reltuples, -1)::bigint         AS rows_estimate,
       pg_total_relation_size(part.oid)           AS bytes,
       inhrelid IS NOT NULL                       AS attached
FROM pg_class AS part
LEFT JOIN pg_inherits ON inhrelid = part.oid AND inhparent = 'audit.workflow_events'::regclass
WHERE part.relnamespace = 'audit'::regnamespace AND part.relkind = 'r'
  AND part.relname ~ '^workflow_events_[0-9]{4}_[0-9]{2}$'
ORDER BY month;

-- name: default_rows
SELECT month, rows FROM audit.default_rows();

-- name: rehome_begin
SELECT audit.rehome_begin($1);

-- name: rehome_chain_head
SELECT COALESCE(max(chain_no), 0) AS head FROM audit.batches;

-- name: rehome_parts
SELECT batch_id, chain_no, month, rows, proven_rows, proven_root FROM audit.rehome_parts($1, $2);

-- name: rehome_copy
SELECT audit.rehome_copy($1) AS rows;

-- name: rehome_copied
-- Through the parent of the new tables, which are not yet in their place.
SELECT batch_id, :columns
FROM audit.workflow_events_rehome
WHERE batch_id = ANY($1::uuid[])
ORDER BY batch_id, leaf_no;

-- name: rehome_lock
SELECT audit.rehome_lock();

-- name: rehome_swap
SELECT audit.rehome_swap() AS rows;
