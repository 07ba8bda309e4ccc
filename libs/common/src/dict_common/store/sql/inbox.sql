-- Messages in. A command is known by (consumer, ce_id) and the fingerprint of its content.

-- name: inbox_lock
-- Commands of one id are taken one after the other, whatever their content: released at commit.
SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2::uuid::text, 0));

-- name: inbox_seen
SELECT fingerprint, outcome
FROM connect.inbox
WHERE consumer = $1 AND ce_id = $2;

-- name: inbox_insert
INSERT INTO connect.inbox (consumer, ce_id, fingerprint, outcome, settled_at)
VALUES ($1, $2, $3, $4, CASE WHEN $4::text IS NULL THEN NULL ELSE now() END)
ON CONFLICT DO NOTHING
RETURNING ce_id;

-- name: inbox_settle
UPDATE connect.inbox
SET outcome = $4, settled_at = now()
WHERE consumer = $1 AND ce_id = $2 AND fingerprint = $3 AND outcome IS NULL
RETURNING ce_id;

-- name: inbox_purge
DELETE FROM connect.inbox
WHERE ctid = ANY(ARRAY(SELECT ctid FROM connect.inbox
                       WHERE service = current_user AND outcome IS NOT NULL
                         AND settled_at < now() - $1::interval
                       ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING ce_id;
