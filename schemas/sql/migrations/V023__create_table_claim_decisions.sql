-- A decision is stored before the workflow is told, so that an early, late or lost wake-up costs nothing.
CREATE TABLE workflows.claim_decisions (
    ce_id        UUID PRIMARY KEY,
    claim_id     UUID NOT NULL,
    role         VARCHAR(10) NOT NULL CHECK (role IN ('CLAIMER', 'DONOR')),
    decided_at   TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    effective_at TIMESTAMPTZ NOT NULL,
    decided_by   VARCHAR(100) NOT NULL,
    decision     VARCHAR(20) NOT NULL CHECK (decision IN ('ACCEPT', 'REFUSE')),
    reason       VARCHAR(50),
    otp_id       UUID,
    outcome      VARCHAR(50)
);
CREATE INDEX idx_claim_decisions_claim ON workflows.claim_decisions (claim_id, role, effective_at);
