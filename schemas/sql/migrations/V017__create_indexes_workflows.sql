CREATE INDEX idx_claim_workflows_status ON workflows.claim_workflows (status)
    WHERE status = 'RUNNING';
CREATE INDEX idx_claim_workflows_status_expires ON workflows.claim_workflows (status, expires_at)
    WHERE status = 'RUNNING';
CREATE INDEX idx_bridge_requests_workflow_id ON connect.bridge_requests (workflow_id);
CREATE INDEX idx_bridge_requests_status ON connect.bridge_requests (status)
    WHERE status <> 'SUCCESS';
CREATE INDEX idx_bridge_requests_retry ON connect.bridge_requests (status, next_retry_at)
    WHERE status = 'RETRYING' AND next_retry_at IS NOT NULL;
CREATE INDEX idx_bridge_requests_expires_at ON connect.bridge_requests (expires_at)
    WHERE expires_at IS NOT NULL;
-- Only for queries that exist: every index is paid on each insert, for ever.
CREATE INDEX idx_workflow_events_aggregate ON audit.workflow_events
    (aggregate_type, aggregate_id, aggregate_sequence);
CREATE INDEX idx_workflow_events_workflow_id ON audit.workflow_events (workflow_id, occurred_at DESC);
CREATE INDEX idx_workflow_events_correlation ON audit.workflow_events (correlation_id);
CREATE INDEX idx_workflow_events_rejected ON audit.workflow_events
    ((event_payload ->> 'aggregate_id')) WHERE aggregate_type = 'command';
CREATE INDEX idx_workflow_events_occurred_at ON audit.workflow_events USING brin (occurred_at);
