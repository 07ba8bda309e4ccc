-- One row for each call to the Bridge, written before the call leaves.
CREATE TABLE connect.bridge_requests (
    id                   UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    request_id           VARCHAR(100) NOT NULL,
    correlation_id       VARCHAR(100),
    workflow_id          VARCHAR(255),
    workflow_run_id      UUID,
    operation_type       VARCHAR(100) NOT NULL,
    request_payload      JSONB NOT NULL,
    request_hash         VARCHAR(64) NOT NULL,
    response_payload     JSONB,
    response_status_code INT,
    response_received_at TIMESTAMPTZ,
    status               VARCHAR(50) NOT NULL DEFAULT 'PENDING' CHECK (
        status IN ('PENDING', 'IN_PROGRESS', 'SUCCESS', 'FAILED', 'TIMEOUT', 'RETRYING')),
    attempt_count        INT NOT NULL DEFAULT 1,
    max_attempts         INT NOT NULL DEFAULT 3,
    last_attempt_at      TIMESTAMPTZ,
    next_retry_at        TIMESTAMPTZ,
    error_code           VARCHAR(50),
    error_message        TEXT,
    error_details        JSONB,
    expires_at           TIMESTAMPTZ,
    created_at           TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at           TIMESTAMPTZ NOT NULL DEFAULT now(),
    service              NAME NOT NULL DEFAULT current_user,
    UNIQUE (service, request_id)
);
COMMENT ON TABLE connect.bridge_requests IS 'Every call to the Bridge and its answer, payloads sealed with keyset rest';
COMMENT ON COLUMN connect.bridge_requests.request_id IS '{workflow_id}:{operation}:{n}, n counted by the workflow, never by the attempt';
COMMENT ON COLUMN connect.bridge_requests.request_hash IS 'PRF of the payload: a bare hash of a CPF can be searched';
