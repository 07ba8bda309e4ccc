-- Replays: asked of the desk, done by the replayer. It may insert into the audit as the sink does,
-- and has no outbox, no Bridge's ledger and no dead letters: nothing that it reads leaves it.
CREATE TABLE connect.replays (
    run_id          UUID PRIMARY KEY,
    operator        TEXT NOT NULL,
    reason          TEXT NOT NULL,
    topics          TEXT[] NOT NULL CHECK (cardinality(topics) > 0),
    published_from  TIMESTAMPTZ,
    published_until TIMESTAMPTZ,
    sandbox         BOOLEAN NOT NULL,
    state           TEXT NOT NULL DEFAULT 'RUNNING'
                    CHECK (state IN ('RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED')),
    requested_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    planned_at      TIMESTAMPTZ,
    ended_at        TIMESTAMPTZ,
    active_seconds  DOUBLE PRECISION NOT NULL DEFAULT 0,
    waits_for       TEXT,
    holder          UUID,
    held_until      TIMESTAMPTZ,
    sandbox_state   TEXT CHECK (sandbox_state IN ('THERE', 'TO_DROP', 'DROPPED')),
    CHECK ((state IN ('COMPLETED', 'CANCELLED')) = (ended_at IS NOT NULL)),
    CHECK (sandbox OR sandbox_state IS NULL)
);
COMMENT ON COLUMN connect.replays.run_id IS 'ce_id of the request that asked for it';
COMMENT ON COLUMN connect.replays.planned_at IS 'When its ends were fixed; NULL before';
COMMENT ON COLUMN connect.replays.active_seconds IS 'How long replayers have worked on it, for estimates';
COMMENT ON COLUMN connect.replays.waits_for IS 'What it cannot go on without; NULL while it goes on';
COMMENT ON COLUMN connect.replays.holder IS 'The replayer process that works on it, until held_until unless it says so again';
CREATE INDEX idx_replays_active ON connect.replays (requested_at) WHERE ended_at IS NULL;

CREATE TABLE connect.replay_spans (
    run_id       UUID NOT NULL REFERENCES connect.replays (run_id),
    topic        TEXT NOT NULL,
    partition    INT NOT NULL,
    first        TEXT NOT NULL,
    last         TEXT NOT NULL,
    entries      BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    position     TEXT,
    done         BOOLEAN NOT NULL DEFAULT false,
    entries_read BIGINT NOT NULL DEFAULT 0,
    messages     BIGINT NOT NULL DEFAULT 0,
    outside      BIGINT NOT NULL DEFAULT 0,
    new_rows     BIGINT NOT NULL DEFAULT 0,
    duplicates   BIGINT NOT NULL DEFAULT 0,
    refused      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, topic, partition),
    CHECK (messages = outside + new_rows + duplicates + refused)
);
COMMENT ON COLUMN connect.replay_spans.first IS 'ledger:entry:batch, as last and position; last is a whole entry';
COMMENT ON COLUMN connect.replay_spans.position IS 'The last message whose effect is stored; moved in the transaction of the effect';
COMMENT ON COLUMN connect.replay_spans.outside IS 'Messages of the margin, published outside the range';

CREATE TABLE connect.replay_refusals (
    run_id      UUID NOT NULL,
    topic       TEXT NOT NULL,
    partition   INT NOT NULL,
    message_id  TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    detail      TEXT NOT NULL,
    PRIMARY KEY (run_id, topic, partition, message_id),
    FOREIGN KEY (run_id, topic, partition) REFERENCES connect.replay_spans (run_id, topic, partition)
);
COMMENT ON TABLE connect.replay_refusals IS 'Messages that are no row, the first thousand of each partition: a replay buries nothing';

-- A sandbox: the audit's tables once more, in a schema named after the run.
CREATE FUNCTION audit.sandbox_make(run UUID) RETURNS TEXT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name TEXT := 'replay_' || replace(run::text, '-', '');
BEGIN
    IF to_regnamespace(name) IS NOT NULL THEN
        RETURN name;
    END IF;
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('CREATE TABLE %I.workflow_events (LIKE audit.workflow_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY)', name);
    EXECUTE format('CREATE TABLE %I.event_ids (LIKE audit.event_ids INCLUDING ALL)', name);
    EXECUTE format('CREATE TABLE %I.batches (LIKE audit.batches INCLUDING ALL)', name);
    EXECUTE format('CREATE TABLE %I.batch_parts (LIKE audit.batch_parts INCLUDING ALL)', name);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO audit_replayer, audit_reader', name);
    EXECUTE format('GRANT INSERT ON %I.workflow_events TO audit_replayer', name);
    EXECUTE format('GRANT SELECT, INSERT ON %1$I.event_ids, %1$I.batches, %1$I.batch_parts TO audit_replayer', name);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO audit_reader', name);
    RETURN name;
END
$$;
COMMENT ON FUNCTION audit.sandbox_make IS 'Makes the sandbox of a replay if it is missing; answers the name of its schema';

CREATE FUNCTION audit.sandbox_drop(run UUID) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', 'replay_' || replace(run::text, '-', ''));
END
$$;
COMMENT ON FUNCTION audit.sandbox_drop IS 'Removes the sandbox of a replay; no other schema has such a name';

ALTER FUNCTION audit.sandbox_make(UUID) OWNER TO audit_owner;
ALTER FUNCTION audit.sandbox_drop(UUID) OWNER TO audit_owner;
REVOKE ALL ON FUNCTION audit.sandbox_make(UUID), audit.sandbox_drop(UUID) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.sandbox_make(UUID), audit.sandbox_drop(UUID) TO audit_replayer;

GRANT USAGE ON SCHEMA connect, audit TO audit_replayer;
GRANT INSERT ON audit.workflow_events TO audit_replayer;
GRANT SELECT, INSERT ON audit.event_ids, audit.batches, audit.batch_parts TO audit_replayer;
GRANT SELECT, UPDATE (state, planned_at, ended_at, active_seconds, waits_for, holder, held_until, sandbox_state)
    ON connect.replays TO audit_replayer;
GRANT SELECT, INSERT, UPDATE (position, done, entries_read, messages, outside, new_rows, duplicates, refused)
    ON connect.replay_spans TO audit_replayer;
GRANT SELECT, INSERT ON connect.replay_refusals TO audit_replayer;
GRANT SELECT, INSERT, UPDATE (state, ended_at, waits_for, sandbox_state) ON connect.replays TO audit_desk;
GRANT SELECT ON connect.replays, connect.replay_spans, connect.replay_refusals TO operator_ro;
