-- Dead letters are given back or discarded by a desk of its own role: it takes operators' requests,
-- and may neither read nor write the audit. (No role could write the table before.)
ALTER TABLE connect.dead_letter_actions
    ADD COLUMN request_id UUID NOT NULL,
    ADD COLUMN place      INT NOT NULL,
    ADD COLUMN outcome    TEXT CHECK (outcome IN ('redriven', 'gone', 'discarded')),
    ADD COLUMN done_at    TIMESTAMPTZ,
    ADD CHECK ((outcome IS NULL) = (done_at IS NULL));
COMMENT ON COLUMN connect.dead_letter_actions.topic IS 'namespace/name below the tenant: dead-letters/claim-orchestrator';
COMMENT ON COLUMN connect.dead_letter_actions.event_id IS 'ce_id of the message inside, NULL for one that has none';
COMMENT ON COLUMN connect.dead_letter_actions.place IS 'Its place in the request, from 0: letters go back in this order';
COMMENT ON COLUMN connect.dead_letter_actions.outcome IS 'NULL until it has gone back; gone: retention took it before that';
CREATE INDEX idx_dead_letter_actions_request ON connect.dead_letter_actions (request_id, place);
CREATE INDEX idx_dead_letter_actions_waiting ON connect.dead_letter_actions (topic)
    WHERE done_at IS NULL;
CREATE INDEX idx_dead_letter_actions_event ON connect.dead_letter_actions (event_id)
    WHERE event_id IS NOT NULL;

GRANT USAGE ON SCHEMA connect TO audit_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON connect.inbox, connect.outbox TO audit_desk;
GRANT SELECT, UPDATE (last_publish_no, halted_reason) ON connect.relay_epoch TO audit_desk;
GRANT SELECT, INSERT, UPDATE (outcome, done_at) ON connect.dead_letter_actions TO audit_desk;
INSERT INTO connect.relay_epoch (service) VALUES ('audit_desk');
