-- connect.bridge_requests: written before a call leaves, and again when its answer came.

-- name: ledger_open
-- A row that is opened again without an answer, or after a 5xx, stays marked: the call may have had
-- its effect, whatever later attempts are told.
INSERT INTO connect.bridge_requests
    (request_id, correlation_id, workflow_id, workflow_run_id, operation_type,
     request_payload, request_hash, status, last_attempt_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'IN_PROGRESS', now(), now() + $8::interval)
ON CONFLICT (service, request_id) DO UPDATE
SET attempt_count = connect.bridge_requests.attempt_count + 1,
    unknown_since = CASE
        WHEN connect.bridge_requests.status IN ('IN_PROGRESS', 'RETRYING', 'TIMEOUT')
          OR connect.bridge_requests.response_status_code IN (408)
          OR connect.bridge_requests.response_status_code >= 500
        THEN COALESCE(connect.bridge_requests.unknown_since,
                      connect.bridge_requests.last_attempt_at)
        ELSE connect.bridge_requests.unknown_since
    END,
    status = CASE WHEN connect.bridge_requests.status = 'SUCCESS' AND $9
                  THEN 'SUCCESS' ELSE 'RETRYING' END,
    last_attempt_at = now()
RETURNING request_hash, status, unknown_since, response_payload;

-- name: ledger_close
UPDATE connect.bridge_requests
SET status = $2,
    response_payload = $3,
    response_status_code = $4,
    response_received_at = CASE WHEN $4::int IS NULL THEN NULL ELSE now() END,
    error_code = $5
WHERE request_id = $1
RETURNING id;

-- name: ledger_purge
-- In small bites: a purge must not hold up the calls of today.
DELETE FROM connect.bridge_requests
WHERE id IN (SELECT id FROM connect.bridge_requests
             WHERE service = current_user AND expires_at < now()
             ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id;
