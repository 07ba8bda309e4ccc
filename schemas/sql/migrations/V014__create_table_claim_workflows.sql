-- One row for each claim and role. The consumer writes it with the inbox row, before the workflow
-- starts; afterwards RecordTransition is its only writer.
CREATE TABLE workflows.claim_workflows (
    id                                   UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id                          VARCHAR(255) NOT NULL UNIQUE,
    workflow_run_id                      UUID,
    claim_id                             UUID NOT NULL,
    entry_id                             UUID,
    key_type                             VARCHAR(20) NOT NULL,
    key_value_hash                       VARCHAR(64),
    claimer_ispb                         VARCHAR(8) NOT NULL,
    owner_ispb                           VARCHAR(8),
    status                               VARCHAR(50) NOT NULL DEFAULT 'RUNNING' CHECK (
        status IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'CONTINUED_AS_NEW')),
    completion_period_days               INT NOT NULL DEFAULT 30 CHECK (
        completion_period_days BETWEEN 1 AND 90),
    started_at                           TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at                           TIMESTAMPTZ NOT NULL,
    completed_at                         TIMESTAMPTZ,
    resolution_type                      VARCHAR(50) CHECK (
        resolution_type IN ('APPROVED', 'REJECTED', 'TIMEOUT', 'CANCELLED', 'ERROR')),
    resolution_reason                    TEXT,
    monitor_status_workflow_id           VARCHAR(255),
    expire_completion_period_workflow_id VARCHAR(255),
    attempt_count                        INT NOT NULL DEFAULT 1,
    last_error                           TEXT,
    last_error_at                        TIMESTAMPTZ,
    created_at                           TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at                           TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- Beyond the seed: DICT knows types, roles, five statuses, dates of its own and reasons.
    role                                 VARCHAR(10) NOT NULL CHECK (role IN ('CLAIMER', 'DONOR')),
    claim_type                           VARCHAR(20) NOT NULL CHECK (
        claim_type IN ('PORTABILITY', 'OWNERSHIP')),
    dict_claim_id                        UUID,
    dict_status                          VARCHAR(30),
    resolution_period_end                TIMESTAMPTZ,
    completion_period_end                TIMESTAMPTZ,
    claimer_deadline                     TIMESTAMPTZ,
    confirm_reason                       VARCHAR(50),
    cancel_reason                        VARCHAR(50),
    cancelled_by                         VARCHAR(20),
    complete_request_id                  UUID,
    key_encrypted                        BYTEA,
    subject_id                           UUID,
    dict_last_modified                   TIMESTAMPTZ,
    version                              BIGINT NOT NULL DEFAULT 0,
    last_event_ids                       JSONB NOT NULL DEFAULT '{}'::jsonb,
    UNIQUE (claim_id, role),
    UNIQUE (dict_claim_id, role)
);
COMMENT ON TABLE workflows.claim_workflows IS 'A claim as one role sees it; version = number of its events';
COMMENT ON COLUMN workflows.claim_workflows.expires_at IS 'The next deadline; start + 30 days until DICT gave its dates';
COMMENT ON COLUMN workflows.claim_workflows.key_value_hash IS 'Keyed hash (PRF) of the key, 64 hex digits; NULL after erasure';
COMMENT ON COLUMN workflows.claim_workflows.key_encrypted IS 'The key, sealed with keyset rest; NULL after erasure';
COMMENT ON COLUMN workflows.claim_workflows.last_event_ids IS 'Writing workflow id to the event ids of its last transition: a repeat finds itself here';
COMMENT ON COLUMN workflows.claim_workflows.complete_request_id IS 'RequestId of completeClaim: the HMAC key of the new entry''s CID, durable before the call leaves';
