-- One data key for each person or company.

-- name: subject_by_tax_id_hash
SELECT key_id, subject_id, wrapped_dek FROM connect.subject_keys
WHERE tax_id_hash = ANY($1::text[]) AND destroyed_at IS NULL;

-- name: subject_by_id
SELECT key_id, subject_id, wrapped_dek FROM connect.subject_keys
WHERE subject_id = $1 ORDER BY created_at DESC LIMIT 1;

-- name: subject_by_key
SELECT key_id, subject_id, wrapped_dek FROM connect.subject_keys WHERE key_id = $1;

-- name: subject_insert
INSERT INTO connect.subject_keys (key_id, subject_id, tax_id_hash, wrapped_dek)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tax_id_hash) WHERE destroyed_at IS NULL DO NOTHING;

-- name: subjects_by_tax_id_hash
SELECT tax_id_hash, subject_id FROM connect.subject_keys
WHERE tax_id_hash = ANY($1::text[]) AND destroyed_at IS NULL;

-- name: subjects_insert
-- In one order for all: two that meet the same persons do not wait for each other in a circle.
INSERT INTO connect.subject_keys (key_id, subject_id, tax_id_hash, wrapped_dek)
SELECT key_id, subject_id, tax_id_hash, wrapped_dek
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[])
    AS fresh (key_id, subject_id, tax_id_hash, wrapped_dek)
ORDER BY tax_id_hash
ON CONFLICT (tax_id_hash) WHERE destroyed_at IS NULL DO NOTHING;
