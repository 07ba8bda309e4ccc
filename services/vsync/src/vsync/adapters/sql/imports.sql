-- An import of a base: chunk by chunk, each in one transaction. `staged` ends with its session, and
-- is empty at the end of each transaction.

-- name: import_alone
SELECT pg_try_advisory_lock(hashtextextended('vsync.import', 0)) AS alone;

-- name: import_plans
-- A chunk finds its entries by their indexes, whatever statistics say of tables that grow by orders
-- of magnitude meanwhile: reading all of them for each chunk is what must not happen. (Only statements
-- with arguments are planned anew.)
SET plan_cache_mode = force_custom_plan;
SET enable_hashjoin = off;
SET enable_mergejoin = off;

-- name: import_staging
CREATE TEMPORARY TABLE staged (
    line INT, entry_id UUID, participant VARCHAR(8), key_type VARCHAR(5),
    c1 BIGINT, c2 BIGINT, c3 BIGINT, c4 BIGINT,
    key_hash VARCHAR(64), sealed BYTEA, subject_id UUID, numbers JSONB, version BIGINT
) ON COMMIT DELETE ROWS;

-- name: import_found
SELECT import_id, chunk_rows, ended_at FROM vsync.imports
WHERE file_sha256 = $1 AND as_of = $2 ORDER BY started_at DESC, import_id DESC LIMIT 1;

-- name: import_begin
INSERT INTO vsync.imports (import_id, file_sha256, as_of, chunk_rows) VALUES ($1, $2, $3, $4);

-- name: import_chunks
SELECT chunk, created, updated, unchanged, overtaken, seen, bad, faults
FROM vsync.import_chunks WHERE import_id = $1 ORDER BY chunk;

-- name: import_lock
-- Each entry as entry_lock does it. In one order for all, and before anything else is locked.
SELECT pg_advisory_xact_lock(lock)
FROM (SELECT hashtextextended('vsync.entry:' || entry_id, 0) AS lock
      FROM unnest($1::uuid[]) AS told (entry_id) ORDER BY 1) AS sorted;

-- name: import_load
SELECT entry.entry_id, entry.participant, entry.key_type, entry.active, entry.numbers,
       entry.source, entry.number, entry.dict_time, entry.version, entry.review_id,
       cid.c1, cid.c2, cid.c3, cid.c4
FROM vsync.entries AS entry
LEFT JOIN vsync.cids AS cid ON cid.entry_id = entry.entry_id AND cid.active
WHERE entry.entry_id = ANY($1::uuid[]);

-- name: import_take_out
-- Rows whose CID another entry has. $1: all of them.
DELETE FROM staged USING vsync.cids AS cid
WHERE cid.active AND cid.participant = staged.participant AND cid.key_type = staged.key_type
  AND cid.c1 = staged.c1 AND cid.c2 = staged.c2 AND cid.c3 = staged.c3 AND cid.c4 = staged.c4
  AND cid.entry_id <> staged.entry_id AND staged.line <= $1
RETURNING staged.line;

-- name: import_write
-- What entry_write does for one entry, for all that are staged: $1 source, $2 number, $3 DICT's
-- time, $4 by what. All of them are active. `same`: neither set nor CID changes, so no VSync does.
WITH pair AS (
    SELECT staged.*, cid.participant AS participant_0, cid.key_type AS key_type_0,
           cid.c1 AS c1_0, cid.c2 AS c2_0, cid.c3 AS c3_0, cid.c4 AS c4_0,
           (cid.participant, cid.key_type, cid.c1, cid.c2, cid.c3, cid.c4) IS NOT DISTINCT FROM
               (staged.participant, staged.key_type, staged.c1, staged.c2, staged.c3, staged.c4)
               AS same
    FROM staged LEFT JOIN vsync.cids AS cid ON cid.entry_id = staged.entry_id AND cid.active
), changed AS (
    SELECT -1 AS keys, 'REMOVED' AS event, line, entry_id, participant_0 AS participant,
           key_type_0 AS key_type, c1_0 AS c1, c2_0 AS c2, c3_0 AS c3, c4_0 AS c4
    FROM pair WHERE NOT same AND participant_0 IS NOT NULL
    UNION ALL
    SELECT 1, 'ADDED', line, entry_id, participant, key_type, c1, c2, c3, c4
    FROM pair WHERE NOT same
), entry AS (
    INSERT INTO vsync.entries
        (entry_id, participant, key_type, active, key_hash, sealed, subject_id, numbers, source,
         number, dict_time, version)
    SELECT entry_id, participant, key_type, TRUE, key_hash, sealed, subject_id, numbers, $1, $2, $3,
           version
    FROM staged
    ON CONFLICT (entry_id) DO UPDATE
    SET participant = EXCLUDED.participant, key_type = EXCLUDED.key_type,
        active = EXCLUDED.active, key_hash = EXCLUDED.key_hash, sealed = EXCLUDED.sealed,
        subject_id = EXCLUDED.subject_id, numbers = EXCLUDED.numbers, source = EXCLUDED.source,
        number = EXCLUDED.number, dict_time = EXCLUDED.dict_time, version = EXCLUDED.version,
        updated_at = now()
), cid_in AS (
    INSERT INTO vsync.cids (entry_id, participant, key_type, c1, c2, c3, c4, active)
    SELECT entry_id, participant, key_type, c1, c2, c3, c4, TRUE FROM pair WHERE NOT same
    ON CONFLICT (entry_id) DO UPDATE
    SET participant = EXCLUDED.participant, key_type = EXCLUDED.key_type, c1 = EXCLUDED.c1,
        c2 = EXCLUDED.c2, c3 = EXCLUDED.c3, c4 = EXCLUDED.c4, active = TRUE
), history AS (
    INSERT INTO vsync.cid_history
        (entry_id, participant, key_type, c1, c2, c3, c4, event, source, dict_time, caused_by)
    SELECT entry_id, participant, key_type, c1, c2, c3, c4, event, $1, $3, $4
    FROM changed
    ORDER BY line, keys
), linked AS (
    INSERT INTO connect.subject_aggregates (subject_id, type, aggregate_id)
    SELECT subject_id, 'entry', entry_id::text FROM staged
    ON CONFLICT DO NOTHING
)
INSERT INTO vsync.folds AS fold (participant, key_type, keys, c1, c2, c3, c4)
SELECT participant, key_type, sum(keys), bit_xor(c1), bit_xor(c2), bit_xor(c3), bit_xor(c4)
FROM changed
GROUP BY participant, key_type
ORDER BY participant, key_type
ON CONFLICT (participant, key_type) DO UPDATE
SET keys = fold.keys + EXCLUDED.keys, c1 = fold.c1 # EXCLUDED.c1, c2 = fold.c2 # EXCLUDED.c2,
    c3 = fold.c3 # EXCLUDED.c3, c4 = fold.c4 # EXCLUDED.c4, updated_at = now();

-- name: import_numbers
UPDATE vsync.entries AS entry SET numbers = told.numbers, updated_at = now()
FROM unnest($1::uuid[], $2::jsonb[]) AS told (entry_id, numbers)
WHERE entry.entry_id = told.entry_id;

-- name: import_chunk_done
INSERT INTO vsync.import_chunks
    (import_id, chunk, created, updated, unchanged, overtaken, seen, bad, faults)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: import_end
UPDATE vsync.imports SET ended_at = now() WHERE import_id = $1;
