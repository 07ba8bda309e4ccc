-- Messages out. One relay numbers, sends and deletes; row-level security shows it its own rows.

-- name: outbox_insert
INSERT INTO connect.outbox
    (topic, message_key, event_id, event_time, sequence, properties, payload)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[],
                     $6::jsonb[], $7::bytea[]);

-- name: relay_lock
SELECT pg_try_advisory_lock(hashtext('dict-connect.relay'), hashtext(current_user)) AS locked;

-- name: relay_lock_of
-- For an operator: the lock that the relay of another role would hold.
SELECT pg_try_advisory_lock(hashtext('dict-connect.relay'), hashtext($1::text)) AS locked;

-- name: relay_epoch
SELECT epoch, last_publish_no, halted_reason FROM connect.relay_epoch
WHERE service = current_user;

-- name: outbox_numbered
SELECT id, publish_no, topic, message_key, event_id, event_time, sequence, properties, payload
FROM connect.outbox
WHERE service = current_user AND publish_no IS NOT NULL
ORDER BY publish_no
LIMIT $1;

-- name: outbox_number
-- Numbers follow the ids of the rows visible now; committed before anything is sent. None is given
-- while a topic among them is not open ($2), or the counter is behind a number in use ($3).
WITH counter AS (
    SELECT last_publish_no FROM connect.relay_epoch WHERE service = current_user FOR UPDATE
), waiting AS (
    SELECT id, topic, row_number() OVER (ORDER BY id) AS place
    FROM (SELECT id, topic FROM connect.outbox
          WHERE service = current_user AND publish_no IS NULL
          ORDER BY id LIMIT $1) AS first
), unopened AS (
    SELECT DISTINCT topic FROM waiting WHERE topic <> ALL($2::text[])
), numbered AS (
    UPDATE connect.outbox AS row
    SET publish_no = counter.last_publish_no + waiting.place
    FROM waiting, counter
    WHERE row.id = waiting.id AND counter.last_publish_no >= $3
        AND NOT EXISTS (SELECT FROM unopened)
    RETURNING row.publish_no
), counted AS (
    UPDATE connect.relay_epoch
    SET last_publish_no = (SELECT max(publish_no) FROM numbered)
    WHERE service = current_user AND EXISTS (SELECT FROM numbered)
)
SELECT (SELECT last_publish_no FROM counter) AS counted,
    (SELECT max(publish_no) FROM numbered) AS numbered_to,
    ARRAY(SELECT topic FROM unopened) AS unopened;

-- name: outbox_delete
DELETE FROM connect.outbox WHERE id = ANY($1::bigint[]);

-- name: relay_halt
UPDATE connect.relay_epoch SET halted_reason = $1 WHERE service = current_user;

-- name: relay_new_epoch
-- For an operator, after a restored backup: another producer name, all rows numbered anew.
WITH renewed AS (
    UPDATE connect.relay_epoch
    SET epoch = gen_random_uuid(), last_publish_no = 0, halted_reason = NULL
    WHERE service = $1
    RETURNING service
), unnumbered AS (
    UPDATE connect.outbox SET publish_no = NULL
    WHERE service = $1 AND publish_no IS NOT NULL
)
SELECT service FROM renewed;
