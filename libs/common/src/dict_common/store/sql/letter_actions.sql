-- What operators did with dead letters.

-- name: letters_acted_on
SELECT message_id, action, outcome, operator, reason, acted_at, done_at, request_id
FROM connect.dead_letter_actions
WHERE topic = $1 AND message_id = ANY($2::text[]);

-- name: letters_requests
-- The newest requests to the desk, or those named, with what they took and what became of it.
SELECT request.ce_id AS request_id, request.fingerprint, request.received_at, request.outcome,
       taken.topic, taken.action, taken.operator, taken.letters, taken.waiting, taken.gone
FROM (
    SELECT ce_id, fingerprint, received_at, outcome
    FROM connect.inbox
    WHERE consumer = $1 AND ($2::uuid[] IS NULL OR ce_id = ANY($2))
    ORDER BY received_at DESC
    LIMIT $3
) AS request
LEFT JOIN LATERAL (
    SELECT min(topic) AS topic, min(action) AS action, min(operator) AS operator,
           count(*) AS letters, count(*) FILTER (WHERE done_at IS NULL) AS waiting,
           count(*) FILTER (WHERE outcome = 'gone') AS gone
    FROM connect.dead_letter_actions
    WHERE request_id = request.ce_id
) AS taken ON true
ORDER BY request.received_at;

-- name: letters_refusals
-- What senders of refused requests were told; empty until the audit has it.
SELECT aggregate_id, event_payload ->> 'detail' AS detail
FROM audit.workflow_events
WHERE aggregate_type = 'command' AND aggregate_id = ANY($1::text[]);
