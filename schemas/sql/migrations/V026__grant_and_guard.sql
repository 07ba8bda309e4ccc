-- Who may do what. The roles are cluster-wide and made by `dictctl db roles`.
GRANT USAGE ON SCHEMA connect TO claim_orchestrator, operator_ro;
GRANT USAGE ON SCHEMA workflows TO claim_orchestrator, operator_ro;
GRANT USAGE ON SCHEMA audit TO audit_sink, audit_maintainer, audit_reader;

GRANT SELECT, INSERT, UPDATE, DELETE ON connect.inbox, connect.outbox TO claim_orchestrator;
GRANT SELECT, UPDATE (last_publish_no, halted_reason) ON connect.relay_epoch TO claim_orchestrator;
GRANT SELECT, INSERT, UPDATE ON connect.bridge_requests TO claim_orchestrator;
GRANT SELECT, INSERT ON connect.subject_keys TO claim_orchestrator;
GRANT SELECT, INSERT ON connect.subject_aggregates TO claim_orchestrator;
GRANT SELECT, INSERT, UPDATE ON workflows.claim_workflows, workflows.claim_decisions
    TO claim_orchestrator;

-- A service sees and writes its own rows only, so no service can speak with another's voice.
ALTER TABLE connect.inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE connect.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE connect.relay_epoch ENABLE ROW LEVEL SECURITY;
ALTER TABLE connect.bridge_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON connect.inbox USING (service = current_user) WITH CHECK (service = current_user);
CREATE POLICY own_rows ON connect.outbox USING (service = current_user) WITH CHECK (service = current_user);
CREATE POLICY own_rows ON connect.relay_epoch USING (service = current_user) WITH CHECK (service = current_user);
CREATE POLICY own_rows ON connect.bridge_requests USING (service = current_user) WITH CHECK (service = current_user);
CREATE POLICY operator_reads ON connect.inbox FOR SELECT TO operator_ro USING (true);
CREATE POLICY operator_reads ON connect.outbox FOR SELECT TO operator_ro USING (true);
CREATE POLICY operator_reads ON connect.relay_epoch FOR SELECT TO operator_ro USING (true);
CREATE POLICY operator_reads ON connect.bridge_requests FOR SELECT TO operator_ro USING (true);
GRANT SELECT ON connect.inbox, connect.outbox, connect.relay_epoch, connect.bridge_requests,
    connect.dead_letter_actions TO operator_ro;
GRANT SELECT ON workflows.claim_workflows, workflows.claim_decisions, workflows.vsync_workflows,
    workflows.otp_workflows TO operator_ro;

-- Audit: append only. Owned by a role that cannot log in; INSERT through the parent alone.
GRANT CREATE, USAGE ON SCHEMA audit TO audit_owner;
ALTER TABLE audit.workflow_events OWNER TO audit_owner;
ALTER TABLE audit.workflow_events_default OWNER TO audit_owner;
ALTER TABLE audit.event_ids OWNER TO audit_owner;
ALTER TABLE audit.event_ids_0 OWNER TO audit_owner;
ALTER TABLE audit.event_ids_1 OWNER TO audit_owner;
ALTER TABLE audit.event_ids_2 OWNER TO audit_owner;
ALTER TABLE audit.event_ids_3 OWNER TO audit_owner;
ALTER TABLE audit.batches OWNER TO audit_owner;
ALTER TABLE audit.batch_parts OWNER TO audit_owner;
ALTER VIEW audit.audit_logs OWNER TO audit_owner;
ALTER FUNCTION audit.ensure_partition(DATE) OWNER TO audit_owner;
REVOKE ALL ON FUNCTION audit.ensure_partition(DATE) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.ensure_partition(DATE) TO audit_sink, audit_maintainer;
GRANT INSERT ON audit.workflow_events TO audit_sink;
GRANT SELECT, INSERT ON audit.event_ids, audit.batches, audit.batch_parts TO audit_sink;
GRANT SELECT ON audit.workflow_events, audit.event_ids, audit.batches, audit.batch_parts,
    audit.audit_logs TO audit_reader;
