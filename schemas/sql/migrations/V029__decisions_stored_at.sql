-- A decision without its claim is refused a day after we have it, not a day after it was sent: after
-- an outage both may still be on their way to us.
ALTER TABLE workflows.claim_decisions
    ADD COLUMN stored_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON COLUMN workflows.claim_decisions.stored_at IS 'When we stored it: from here the claim that it is about is waited for';
DROP INDEX workflows.idx_claim_decisions_unsettled;
CREATE INDEX idx_claim_decisions_unsettled ON workflows.claim_decisions (stored_at)
    WHERE outcome IS NULL;
