-- The gate keeps UNIQUE(event_id) for ever, whatever an event's time says.
CREATE TABLE audit.event_ids (
    event_id       UUID NOT NULL PRIMARY KEY,
    content_digest BIGINT NOT NULL
) PARTITION BY HASH (event_id);
COMMENT ON COLUMN audit.event_ids.content_digest IS 'First 8 bytes of SHA-256 over length-prefixed ce_type, ce_source, ce_subject, ce_sequence, ce_time, body; big-endian, signed';
CREATE TABLE audit.event_ids_0 PARTITION OF audit.event_ids FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE audit.event_ids_1 PARTITION OF audit.event_ids FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE audit.event_ids_2 PARTITION OF audit.event_ids FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE audit.event_ids_3 PARTITION OF audit.event_ids FOR VALUES WITH (MODULUS 4, REMAINDER 3);

-- A batch is one committed transaction with new rows. chain_no is taken last, under a lock.
CREATE TABLE audit.batches (
    batch_id     UUID PRIMARY KEY,
    chain_no     BIGINT NOT NULL UNIQUE,
    rows         INT NOT NULL CHECK (rows > 0),
    root         BYTEA NOT NULL CHECK (octet_length(root) = 32),
    committed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE audit.batch_parts (
    batch_id UUID NOT NULL REFERENCES audit.batches (batch_id) DEFERRABLE INITIALLY DEFERRED,
    month    DATE NOT NULL CHECK (extract(day FROM month) = 1),
    rows     INT NOT NULL CHECK (rows > 0),
    root     BYTEA NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (batch_id, month)
);
COMMENT ON TABLE audit.batch_parts IS 'The part of a batch that fell into one month: a detached month leaves its root here';

-- Months are made ahead: LIKE and ATTACH, so that readers are never locked out.
CREATE FUNCTION audit.ensure_partition(wanted DATE) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day DATE := date_trunc('month', wanted)::date;
    next_first_day DATE := (first_day + INTERVAL '1 month')::date;
    part_name TEXT := 'workflow_events_' || to_char(first_day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partition'));
    IF to_regclass('audit.' || part_name) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.workflow_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part_name);
    EXECUTE format('ALTER TABLE audit.workflow_events ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
        part_name, first_day::text || ' 00:00:00+00', next_first_day::text || ' 00:00:00+00');
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION audit.ensure_partition IS 'Makes the month (UTC) that holds the date; true if it was made now';
