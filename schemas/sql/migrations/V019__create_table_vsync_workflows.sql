CREATE TABLE workflows.vsync_workflows (
    id                    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id           VARCHAR(255) NOT NULL UNIQUE,
    workflow_run_id       UUID NOT NULL,
    execution_date        DATE NOT NULL,
    scheduled_at          TIMESTAMPTZ NOT NULL,
    started_at            TIMESTAMPTZ,
    completed_at          TIMESTAMPTZ,
    status                VARCHAR(50) NOT NULL DEFAULT 'SCHEDULED' CHECK (
        status IN ('SCHEDULED', 'RUNNING', 'COMPLETED', 'FAILED', 'PARTIAL_SUCCESS')),
    total_accounts_synced INT,
    total_operations      INT,
    operations_success    INT,
    operations_failed     INT,
    error_summary         JSONB,
    created_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    participant_ispb      VARCHAR(8) NOT NULL,
    key_type              VARCHAR(20) NOT NULL,
    sync_type             VARCHAR(20) NOT NULL CHECK (sync_type IN ('INCREMENTAL', 'FULL')),
    cursor_at             TIMESTAMPTZ,
    local_vsync           BYTEA CHECK (octet_length(local_vsync) = 32),
    dict_result           VARCHAR(10),
    UNIQUE (participant_ispb, key_type, started_at)
);
COMMENT ON TABLE workflows.vsync_workflows IS 'A VSYNC run for one participant and key type';
CREATE INDEX idx_vsync_workflows_execution_date ON workflows.vsync_workflows (execution_date DESC);
CREATE INDEX idx_vsync_workflows_status ON workflows.vsync_workflows (status);
CREATE TRIGGER update_vsync_workflows_updated_at
    BEFORE UPDATE ON workflows.vsync_workflows
    FOR EACH ROW EXECUTE FUNCTION connect.update_updated_at_column();
