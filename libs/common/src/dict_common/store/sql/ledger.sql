-- connect.bridge_requests: written before a call leaves, and again when its answer came.

-- name: ledger_open
INSERT INTO connect.bridge_requests
    (request_id, correlation_id, workflow_id, workflow_run_id, operation_type,
     request_payload, request_hash, status, last_attempt_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'IN_PROGRESS', now(), now() + $8::interval)
ON CONFLICT (service, request_id) DO UPDATE
SET attempt_count = connect.bridge_requests.attempt_count + 1,
    status = 'RETRYING',
    last_attempt_at = now()
RETURNING request_hash;

-- name: ledger_close
UPDATE connect.bridge_requests
SET status = $2,
    response_payload = $3,
    response_status_code = $4,
    response_received_at = CASE WHEN $4::int IS NULL THEN NULL ELSE now() END,
    error_code = $5
WHERE request_id = $1
RETURNING id;
