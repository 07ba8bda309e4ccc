-- An operator's cancellation that DICT takes no more gives way to the one that it overruled.
ALTER TABLE workflows.claim_workflows
    ADD COLUMN intent_overruled VARCHAR(50),
    ADD CHECK (intent_overruled IS NULL OR intent_cause = 'OPERATOR');
COMMENT ON COLUMN workflows.claim_workflows.intent_overruled IS 'Reason of the cancellation that the operator''s stands before: it stands again if DICT takes the operator''s no more';
