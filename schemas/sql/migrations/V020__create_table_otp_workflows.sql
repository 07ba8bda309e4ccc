CREATE TABLE workflows.otp_workflows (
    id                  UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id         VARCHAR(255) NOT NULL UNIQUE,
    workflow_run_id     UUID NOT NULL,
    user_id             UUID NOT NULL,
    channel             VARCHAR(10) NOT NULL CHECK (channel IN ('PHONE', 'EMAIL')),
    destination_hash    VARCHAR(64),
    operation_type      VARCHAR(50) NOT NULL CHECK (
        operation_type IN ('CLAIM', 'PORTABILITY', 'DELETE_ENTRY', 'ACCOUNT_CHANGE')),
    operation_id        UUID,
    otp_code_hash       VARCHAR(64),
    otp_generated_at    TIMESTAMPTZ NOT NULL,
    otp_expires_at      TIMESTAMPTZ NOT NULL,
    otp_validated_at    TIMESTAMPTZ,
    validation_attempts INT NOT NULL DEFAULT 0,
    max_attempts        INT NOT NULL DEFAULT 3,
    status              VARCHAR(50) NOT NULL DEFAULT 'PENDING' CHECK (
        status IN ('PENDING', 'VALIDATED', 'FAILED', 'EXPIRED', 'MAX_ATTEMPTS_EXCEEDED')),
    created_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (otp_expires_at > otp_generated_at),
    CHECK (validation_attempts <= max_attempts)
);
COMMENT ON TABLE workflows.otp_workflows IS 'A one-time password: only keyed hashes, never the code or the destination';
CREATE INDEX idx_otp_workflows_user_id ON workflows.otp_workflows (user_id);
CREATE INDEX idx_otp_workflows_status ON workflows.otp_workflows (status);
CREATE INDEX idx_otp_workflows_expires_at ON workflows.otp_workflows (otp_expires_at);
CREATE TRIGGER update_otp_workflows_updated_at
    BEFORE UPDATE ON workflows.otp_workflows
    FOR EACH ROW EXECUTE FUNCTION connect.update_updated_at_column();
