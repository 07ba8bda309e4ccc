-- What operators did with dead letters.

-- name: letters_acted_on
SELECT message_id, action, outcome, operator, reason, acted_at, done_at, request_id
FROM connect.dead_letter_actions
WHERE topic = $1 AND message_id = ANY($2::text[]);
