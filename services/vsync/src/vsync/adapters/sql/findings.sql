-- What a rung has found: from DICT's log or file, over CIDs that differ, to discrepancies.

-- name: log_delete
DELETE FROM vsync.log_cids WHERE run_id = $1 AND rung = $2;

-- name: found_delete
DELETE FROM vsync.found_cids WHERE run_id = $1 AND rung = $2;

-- name: log_differences
-- CIDs whose last event contradicts the set as it is; beside each (x), and in a row of its own where
-- there is none, the VSync that the set has with them put right.
WITH differ AS (
    SELECT log.added AS remote, log.c1, log.c2, log.c3, log.c4, log.dict_at,
           log.dict_at <= $5 AS settled
    FROM vsync.log_cids AS log
    WHERE log.run_id = $1 AND log.rung = $2 AND log.added <> EXISTS (
        SELECT FROM vsync.cids AS cid
        WHERE cid.participant = $3 AND cid.key_type = $4 AND cid.active
            AND (cid.c1, cid.c2, cid.c3, cid.c4) = (log.c1, log.c2, log.c3, log.c4))
), righted AS (
    SELECT COALESCE(bit_xor(c1), 0) AS x1, COALESCE(bit_xor(c2), 0) AS x2,
           COALESCE(bit_xor(c3), 0) AS x3, COALESCE(bit_xor(c4), 0) AS x4
    FROM (
        SELECT c1, c2, c3, c4 FROM vsync.cids
        WHERE participant = $3 AND key_type = $4 AND active
        UNION ALL
        SELECT c1, c2, c3, c4 FROM differ
    ) AS cids
)
SELECT * FROM righted LEFT JOIN differ ON TRUE;

-- name: cids_of
-- For COPY: four numbers a row, so that rows have one length.
SELECT c1, c2, c3, c4 FROM vsync.cids WHERE participant = $1 AND key_type = $2 AND active

-- name: found_drop_moved
WITH gone AS (
    DELETE FROM vsync.found_cids AS found USING vsync.log_cids AS log
    WHERE found.run_id = $1 AND found.rung = $2 AND log.run_id = $1 AND log.rung = $2
        AND (found.c1, found.c2, found.c3, found.c4) = (log.c1, log.c2, log.c3, log.c4)
    RETURNING found.c1
)
SELECT count(*) AS moved FROM gone;

-- name: found_unread
SELECT c1, c2, c3, c4 FROM vsync.found_cids
WHERE run_id = $1 AND rung = $2 AND remote AND seen_at IS NULL
ORDER BY c1, c2, c3, c4
LIMIT $3;

-- name: found_read
UPDATE vsync.found_cids SET key_hash = $7, sealed = $8, seen_at = $9, reason_code = $10
WHERE run_id = $1 AND rung = $2 AND remote AND (c1, c2, c3, c4) = ($3, $4, $5, $6);

-- name: found_all
-- Of ours: the entry that has the CID. Of DICT's: an entry in review that has the key.
SELECT found.remote, found.c1, found.c2, found.c3, found.c4, found.dict_at,
       COALESCE(found.key_hash, entry.key_hash) AS key_hash,
       COALESCE(entry.entry_id, waiting.entry_id) AS entry_id, found.seen_at, found.reason_code
FROM vsync.found_cids AS found
LEFT JOIN vsync.cids AS cid ON NOT found.remote AND cid.participant = $3 AND cid.key_type = $4
    AND cid.active AND (cid.c1, cid.c2, cid.c3, cid.c4) = (found.c1, found.c2, found.c3, found.c4)
LEFT JOIN vsync.entries AS entry ON entry.entry_id = cid.entry_id
LEFT JOIN LATERAL (
    SELECT entry_id FROM vsync.entries
    WHERE found.remote AND key_hash = found.key_hash AND review_id IS NOT NULL
    ORDER BY entry_id LIMIT 1
) AS waiting ON TRUE
WHERE found.run_id = $1 AND found.rung = $2
ORDER BY found.remote DESC, found.c1, found.c2, found.c3, found.c4;

-- name: found_twins
SELECT DISTINCT ON (entry.entry_id) entry.entry_id, entry.key_hash,
       cid.c1, cid.c2, cid.c3, cid.c4
FROM vsync.found_cids AS found
JOIN vsync.entries AS entry ON entry.key_hash = found.key_hash AND entry.active
JOIN vsync.cids AS cid ON cid.entry_id = entry.entry_id AND cid.active
WHERE found.run_id = $1 AND found.rung = $2 AND found.remote
    AND entry.participant = $3 AND entry.key_type = $4
ORDER BY entry.entry_id;

-- name: discrepancies_insert
INSERT INTO vsync.discrepancies
    (run_id, rung, number, type, entry_id, key_hash, local_cid, remote_cid, local_sealed,
     remote_sealed, dict_at, seen_at, reason_code, state, settled_at)
SELECT $1, $2, it.number, it.type, it.entry_id, it.key_hash, it.local_cid, it.remote_cid,
       ours.sealed, theirs.sealed, it.dict_at, it.seen_at, it.reason_code,
       CASE WHEN it.reason_code IS NULL THEN 'OPEN' ELSE 'FAILED' END,
       CASE WHEN it.reason_code IS NULL THEN NULL ELSE now() END
FROM unnest($3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::bytea[], $8::bytea[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[],
            $14::timestamptz[], $15::text[])
    AS it (number, type, entry_id, key_hash, local_cid, remote_cid, c1, c2, c3, c4, dict_at,
           seen_at, reason_code)
-- What is sealed never leaves PostgreSQL for this.
LEFT JOIN vsync.entries AS ours ON ours.entry_id = it.entry_id AND it.local_cid IS NOT NULL
LEFT JOIN vsync.found_cids AS theirs ON theirs.run_id = $1 AND theirs.rung = $2 AND theirs.remote
    AND (theirs.c1, theirs.c2, theirs.c3, theirs.c4) = (it.c1, it.c2, it.c3, it.c4);

-- name: discrepancies_counted
-- The rung's event goes out with its findings, once: what was told is counted in the run's version.
SELECT type, count(*) AS count FROM vsync.discrepancies
WHERE run_id = $1 AND rung = $2
GROUP BY type;

-- name: run_tells
UPDATE workflows.vsync_workflows SET version = version + 1 WHERE id = $1 RETURNING version;

-- name: versions_forget
-- The oldest first, so many at once; the rows stay.
UPDATE vsync.discrepancies SET local_sealed = NULL, remote_sealed = NULL
WHERE (run_id, rung, number) IN (
    SELECT run_id, rung, number FROM vsync.discrepancies
    WHERE found_at < now() - $1::interval
        AND (local_sealed IS NOT NULL OR remote_sealed IS NOT NULL)
    ORDER BY found_at
    LIMIT $2);

-- name: discrepancies_open
SELECT found.number, found.type, found.entry_id, found.key_hash, found.local_cid,
       found.remote_cid, found.local_sealed, found.remote_sealed, found.dict_at, found.seen_at,
       entry.dict_time AS stands_at
FROM vsync.discrepancies AS found
LEFT JOIN vsync.entries AS entry USING (entry_id)
WHERE found.run_id = $1 AND found.rung = $2 AND found.type = $3 AND found.state = 'OPEN'
    AND found.number > $4
ORDER BY found.number
LIMIT $5;

-- name: discrepancy_claim
-- Whoever settles it holds it to the end of the transaction.
SELECT state FROM vsync.discrepancies
WHERE run_id = $1 AND rung = $2 AND number = $3
FOR UPDATE;

-- name: discrepancy_settle
UPDATE vsync.discrepancies SET state = $4, reason_code = $5, settled_at = now()
WHERE run_id = $1 AND rung = $2 AND number = $3 AND state = 'OPEN';
