-- The claimer's whole life of a claim: what was settled and not yet done, decisions with their
-- senders, proofs of possession.
ALTER TABLE workflows.claim_workflows
    ADD COLUMN papers_encrypted BYTEA,
    ADD COLUMN command_id       UUID,
    ADD COLUMN correlation_id   VARCHAR(100),
    ADD COLUMN intent_cause     VARCHAR(10) CHECK (intent_cause IN ('DECISION', 'DEADLINE', 'OPERATOR')),
    ADD COLUMN intent_reason    VARCHAR(50),
    ADD COLUMN intent_decision  UUID,
    ADD CHECK ((intent_cause IS NULL) = (intent_reason IS NULL));
COMMENT ON COLUMN workflows.claim_workflows.papers_encrypted IS 'Account and person of the claimer, JSON sealed with keyset rest; NULL after erasure';
COMMENT ON COLUMN workflows.claim_workflows.intent_cause IS 'Why a cancellation was settled that DICT does not show yet; the first one stands';
COMMENT ON COLUMN workflows.claim_workflows.intent_decision IS 'claim_decisions.ce_id of the decision behind the intent';

ALTER TABLE workflows.claim_decisions
    ADD COLUMN fingerprint    BYTEA NOT NULL DEFAULT '\x',
    ADD COLUMN correlation_id VARCHAR(100),
    ADD COLUMN traceparent    VARCHAR(55),
    ADD COLUMN settled_at     TIMESTAMPTZ,
    ADD COLUMN arrival        BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX idx_claim_decisions_unsettled ON workflows.claim_decisions (published_at)
    WHERE outcome IS NULL;
COMMENT ON COLUMN workflows.claim_decisions.outcome IS 'accepted, or refused:<reason code>; NULL until the workflow has judged';
COMMENT ON COLUMN workflows.claim_decisions.effective_at IS 'The instant that it counts from: decided_at, unless that is of the future or too old to believe';
COMMENT ON COLUMN workflows.claim_decisions.arrival IS 'The order in which decisions were stored: decides between those of one instant';

-- otp.validated, as far as claims need it: kept with the claim, read when its completion opens.
CREATE TABLE workflows.claim_proofs (
    otp_id       UUID PRIMARY KEY,
    claim_id     UUID NOT NULL,
    validated_at TIMESTAMPTZ NOT NULL,
    ce_id        UUID NOT NULL,
    received_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_claim_proofs_claim ON workflows.claim_proofs (claim_id, validated_at);

ALTER TABLE connect.bridge_requests ADD COLUMN unknown_since TIMESTAMPTZ;
COMMENT ON COLUMN connect.bridge_requests.unknown_since IS 'First attempt that was never answered: the call may have had its effect';

GRANT SELECT, INSERT ON workflows.claim_proofs TO claim_orchestrator;
GRANT SELECT ON workflows.claim_proofs TO operator_ro;
GRANT DELETE ON connect.bridge_requests TO claim_orchestrator;

-- What operators did to a claim stands in its timeline.
CREATE INDEX idx_workflow_events_acted ON audit.workflow_events
    ((event_payload ->> 'target_id')) WHERE aggregate_type = 'operator-action';

-- For the purge and for lists of the newest claims.
CREATE INDEX idx_inbox_settled ON connect.inbox (settled_at) WHERE outcome IS NOT NULL;
CREATE INDEX idx_claim_workflows_started ON workflows.claim_workflows (started_at DESC);
