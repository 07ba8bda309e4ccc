-- vsync.entries and what follows from it: every change of an entry is one statement.

-- name: entry_lock
-- Whoever writes an entry next waits here, also where it has no row yet.
SELECT pg_advisory_xact_lock(hashtextextended('vsync.entry:' || $1::uuid, 0));

-- name: entry_load
SELECT entry.entry_id, entry.participant, entry.key_type, entry.numbers, entry.source, entry.number,
       entry.dict_time, entry.version, entry.review_id, entry.sealed, entry.key_hash,
       entry.subject_id, cid.c1, cid.c2, cid.c3, cid.c4
FROM vsync.entries AS entry
LEFT JOIN vsync.cids AS cid ON cid.entry_id = entry.entry_id AND cid.active
WHERE entry.entry_id = $1;

-- name: key_lock
-- Whoever writes an entry of a key next waits here, whatever the entry's id is. Before entry_lock.
SELECT pg_advisory_xact_lock(hashtextextended('vsync.key:' || $1::text, 0));

-- name: entry_others
SELECT entry_id FROM vsync.entries
WHERE key_hash = $1 AND entry_id <> $2 AND (active OR review_id IS NOT NULL)
ORDER BY entry_id;

-- name: key_ended
-- Of entries that had the key once: how far we know of it.
SELECT max(dict_time) AS ended_at FROM vsync.entries
WHERE key_hash = $1 AND entry_id <> $2 AND NOT active AND review_id IS NULL;

-- name: entry_key
-- A tombstone whose key was told after its end.
UPDATE vsync.entries SET key_hash = $2
WHERE entry_id = $1 AND key_hash IS NULL;

-- name: entry_numbers
UPDATE vsync.entries SET numbers = $2, updated_at = now() WHERE entry_id = $1;

-- name: entry_write
-- The fold takes out what the locked row had and takes in what it has now: XOR is not idempotent,
-- so both come from this statement's own view of the row. A tombstone keeps the hash of its key, which
-- tells that what is older of that key is over.
WITH before AS (
    SELECT participant, key_type, c1, c2, c3, c4
    FROM vsync.cids
    WHERE entry_id = $1 AND active
), after AS (
    SELECT $2::varchar AS participant, $3::varchar AS key_type,
           $14::bigint AS c1, $15::bigint AS c2, $16::bigint AS c3, $17::bigint AS c4
    WHERE $4::boolean
), changed AS (
    SELECT -1 AS keys, 'REMOVED' AS event, * FROM before
    UNION ALL
    SELECT 1, 'ADDED', * FROM after
), entry AS (
    INSERT INTO vsync.entries
        (entry_id, participant, key_type, active, key_hash, sealed, subject_id, numbers, source,
         number, dict_time, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (entry_id) DO UPDATE
    SET participant = EXCLUDED.participant, key_type = EXCLUDED.key_type,
        active = EXCLUDED.active, sealed = EXCLUDED.sealed,
        key_hash = COALESCE(EXCLUDED.key_hash, vsync.entries.key_hash),
        subject_id = EXCLUDED.subject_id, numbers = EXCLUDED.numbers, source = EXCLUDED.source,
        number = EXCLUDED.number, dict_time = EXCLUDED.dict_time, version = EXCLUDED.version,
        review_id = NULL, updated_at = now()
), cid_in AS (
    INSERT INTO vsync.cids (entry_id, participant, key_type, c1, c2, c3, c4, active)
    SELECT $1, after.*, TRUE FROM after
    ON CONFLICT (entry_id) DO UPDATE
    SET participant = EXCLUDED.participant, key_type = EXCLUDED.key_type, c1 = EXCLUDED.c1,
        c2 = EXCLUDED.c2, c3 = EXCLUDED.c3, c4 = EXCLUDED.c4, active = TRUE
), cid_out AS (
    UPDATE vsync.cids SET active = FALSE WHERE entry_id = $1 AND NOT $4::boolean AND active
), history AS (
    INSERT INTO vsync.cid_history
        (entry_id, participant, key_type, c1, c2, c3, c4, event, source, dict_time, caused_by)
    SELECT $1, participant, key_type, c1, c2, c3, c4, event, $9, $11, $13
    FROM changed
    -- An entry that keeps set and CID has not changed in the sight of Bacen.
    WHERE NOT EXISTS (SELECT FROM before JOIN after USING (participant, key_type, c1, c2, c3, c4))
    ORDER BY keys
), linked AS (
    INSERT INTO connect.subject_aggregates (subject_id, type, aggregate_id)
    SELECT $7, 'entry', $1::text WHERE $7::uuid IS NOT NULL
    ON CONFLICT DO NOTHING
)
INSERT INTO vsync.folds AS fold (participant, key_type, keys, c1, c2, c3, c4)
SELECT participant, key_type, sum(keys), bit_xor(c1), bit_xor(c2), bit_xor(c3), bit_xor(c4)
FROM changed
GROUP BY participant, key_type
-- One order for all: two that change the same two sets do not wait for each other.
ORDER BY participant, key_type
ON CONFLICT (participant, key_type) DO UPDATE
SET keys = fold.keys + EXCLUDED.keys, c1 = fold.c1 # EXCLUDED.c1, c2 = fold.c2 # EXCLUDED.c2,
    c3 = fold.c3 # EXCLUDED.c3, c4 = fold.c4 # EXCLUDED.c4, updated_at = now();

-- name: entry_exclude
-- Into review: it keeps what it holds, and stands in no VSync.
WITH before AS (
    UPDATE vsync.cids SET active = FALSE WHERE entry_id = $1 AND active
    RETURNING entry_id, participant, key_type, c1, c2, c3, c4
), entry AS (
    UPDATE vsync.entries SET active = FALSE, review_id = $2, version = $3, updated_at = now()
    WHERE entry_id = $1
), history AS (
    INSERT INTO vsync.cid_history
        (entry_id, participant, key_type, c1, c2, c3, c4, event, source, dict_time, caused_by)
    SELECT entry_id, participant, key_type, c1, c2, c3, c4, 'REMOVED', 'DICT', $4, $5 FROM before
)
UPDATE vsync.folds AS fold
SET keys = fold.keys - 1, c1 = fold.c1 # before.c1, c2 = fold.c2 # before.c2,
    c3 = fold.c3 # before.c3, c4 = fold.c4 # before.c4, updated_at = now()
FROM before
WHERE (fold.participant, fold.key_type) = (before.participant, before.key_type);

-- name: review_open
INSERT INTO vsync.manual_review_queue
    (id, entry_id, participant, key_type, key_encrypted, key_hash, reason, created_at, run_id, cid,
     decide_by, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1);

-- name: review_close
UPDATE vsync.manual_review_queue
SET status = 'RESOLVED', action_taken = $2, resolved_at = $3, key_encrypted = NULL,
    version = version + 1
WHERE id = $1 AND status <> 'RESOLVED'
RETURNING version;

-- name: folds_of
SELECT key_type, keys, c1, c2, c3, c4 FROM vsync.folds WHERE participant = $1;

-- name: vsyncs_of
-- From the CIDs themselves: what the folds must equal.
SELECT key_type, count(*) AS keys, bit_xor(c1) AS c1, bit_xor(c2) AS c2, bit_xor(c3) AS c3,
       bit_xor(c4) AS c4
FROM vsync.cids
WHERE participant = $1 AND active
GROUP BY key_type;
