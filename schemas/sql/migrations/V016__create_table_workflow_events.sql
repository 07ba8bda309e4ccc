-- Append only and partitioned by month. The global UNIQUE(event_id) is kept by audit.event_ids,
-- since PostgreSQL cannot promise it across partitions.
CREATE TABLE audit.workflow_events (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY,
    event_id           UUID NOT NULL,
    workflow_type      VARCHAR(100) NOT NULL,
    workflow_id        VARCHAR(255) NOT NULL,
    workflow_run_id    UUID,
    event_type         VARCHAR(100) NOT NULL,
    event_subtype      VARCHAR(100),
    event_payload      JSONB,
    user_id            UUID,
    correlation_id     VARCHAR(100),
    occurred_at        TIMESTAMPTZ NOT NULL,
    metadata           JSONB,
    source             VARCHAR(255) NOT NULL,
    aggregate_type     VARCHAR(50) NOT NULL,
    aggregate_id       VARCHAR(255) NOT NULL,
    aggregate_sequence BIGINT NOT NULL,
    participant_ispb   VARCHAR(8),
    batch_id           UUID NOT NULL,
    leaf_no            INT NOT NULL
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE audit.workflow_events IS 'Every event of dict/events, once, for ever';
CREATE TABLE audit.workflow_events_default PARTITION OF audit.workflow_events DEFAULT;
