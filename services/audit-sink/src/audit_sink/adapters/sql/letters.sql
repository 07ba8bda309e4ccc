-- The desk's statements over connect.dead_letter_actions.

-- name: letters_take
-- Sorted, as everything that inserts many keys at once. A letter that is there is not returned.
INSERT INTO connect.dead_letter_actions
    (topic, message_id, action, event_id, operator, reason, request_id, place, outcome, done_at)
SELECT $1, message_id, $2, event_id, $3, $4, $5, place - 1, $6::text,
       CASE WHEN $6::text IS NULL THEN NULL ELSE now() END
FROM unnest($7::text[], $8::uuid[]) WITH ORDINALITY AS letter (message_id, event_id, place)
ORDER BY message_id
ON CONFLICT DO NOTHING
RETURNING message_id;

-- name: letters_waiting
SELECT message_id
FROM connect.dead_letter_actions
WHERE request_id = $1 AND done_at IS NULL
ORDER BY place;

-- name: letters_done
UPDATE connect.dead_letter_actions
SET outcome = $3, done_at = now()
WHERE topic = $1 AND message_id = $2 AND done_at IS NULL
RETURNING message_id;

-- name: letters_counts
-- Taken and not given back yet, all services.
SELECT topic, count(*) AS waiting
FROM connect.dead_letter_actions
WHERE done_at IS NULL
GROUP BY topic;
