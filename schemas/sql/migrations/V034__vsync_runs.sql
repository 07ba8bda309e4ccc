-- Runs of VSYNC: what was compared, what differed, what became of it; and the reviews by persons.

-- A run for each set has the id of its set's workflow, which is used every day anew.
ALTER TABLE workflows.vsync_workflows
    DROP CONSTRAINT vsync_workflows_workflow_id_key,
    DROP CONSTRAINT vsync_workflows_participant_ispb_key_type_started_at_key,
    ALTER COLUMN key_type DROP NOT NULL,
    ADD COLUMN verified_at TIMESTAMPTZ,
    ADD COLUMN last_ok_at TIMESTAMPTZ,
    ADD COLUMN reason_code VARCHAR(60),
    ADD COLUMN version BIGINT NOT NULL DEFAULT 0,
    ADD UNIQUE (workflow_id, workflow_run_id),
    ADD UNIQUE NULLS NOT DISTINCT (participant_ispb, key_type, started_at);
COMMENT ON COLUMN workflows.vsync_workflows.key_type IS 'NULL: the whole run of a participant';
COMMENT ON COLUMN workflows.vsync_workflows.cursor_at IS 'Where the event log is read from';
COMMENT ON COLUMN workflows.vsync_workflows.verified_at IS 'When our VSync was computed that DICT has called OK';
COMMENT ON COLUMN workflows.vsync_workflows.last_ok_at IS 'verified_at of the run that proved the set before';
CREATE INDEX idx_vsync_workflows_proofs
    ON workflows.vsync_workflows (participant_ispb, key_type, verified_at DESC)
    WHERE verified_at IS NOT NULL;

-- An entry in review is no tombstone, and stands in no VSync.
ALTER TABLE vsync.entries ADD COLUMN review_id UUID;
COMMENT ON COLUMN vsync.entries.review_id IS 'The review that is open about the entry, which is not active meanwhile';
COMMENT ON COLUMN vsync.entries.active IS 'Stands in the VSync. FALSE with review_id: a person decides. Else a tombstone, so that a late report of an earlier state changes nothing';

-- What a rung of a run has found on one side and not on the other.
CREATE TABLE vsync.found_cids (
    run_id   UUID NOT NULL,
    rung     SMALLINT NOT NULL,
    remote   BOOLEAN NOT NULL,
    c1 BIGINT NOT NULL, c2 BIGINT NOT NULL, c3 BIGINT NOT NULL, c4 BIGINT NOT NULL,
    dict_at  TIMESTAMPTZ,
    key_hash VARCHAR(64),
    sealed   BYTEA,
    seen_at  TIMESTAMPTZ,
    reason_code VARCHAR(60),
    PRIMARY KEY (run_id, rung, remote, c1, c2, c3, c4)
);
COMMENT ON TABLE vsync.found_cids IS 'CIDs that differ, until their keys are known: discrepancies are made of them';
COMMENT ON COLUMN vsync.found_cids.dict_at IS 'Instant of the CID''s last event in DICT''s log, where the log was read';
COMMENT ON COLUMN vsync.found_cids.seen_at IS 'When DICT said what stands behind the CID; without sealed: nothing any more';

-- DICT's log as a run has folded it: the last event of each CID.
CREATE TABLE vsync.log_cids (
    run_id  UUID NOT NULL,
    rung    SMALLINT NOT NULL,
    c1 BIGINT NOT NULL, c2 BIGINT NOT NULL, c3 BIGINT NOT NULL, c4 BIGINT NOT NULL,
    added   BOOLEAN NOT NULL,
    dict_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (run_id, rung, c1, c2, c3, c4)
);

CREATE TABLE vsync.discrepancies (
    run_id        UUID NOT NULL,
    rung          SMALLINT NOT NULL,
    number        BIGINT NOT NULL,
    type          VARCHAR(14) NOT NULL CHECK (
        type IN ('MISSING_LOCAL', 'OUTDATED_LOCAL', 'MISSING_BACEN')),
    entry_id      UUID NOT NULL,
    key_hash      VARCHAR(64),
    local_cid     BYTEA CHECK (octet_length(local_cid) = 32),
    remote_cid    BYTEA CHECK (octet_length(remote_cid) = 32),
    local_sealed  BYTEA,
    remote_sealed BYTEA,
    dict_at       TIMESTAMPTZ,
    seen_at       TIMESTAMPTZ,
    state         VARCHAR(10) NOT NULL DEFAULT 'OPEN' CHECK (
        state IN ('OPEN', 'FIXED', 'IN_REVIEW', 'GONE', 'OVERTAKEN', 'FAILED')),
    reason_code   VARCHAR(60),
    settled_at    TIMESTAMPTZ,
    PRIMARY KEY (run_id, rung, number)
);
CREATE INDEX idx_discrepancies_entry ON vsync.discrepancies (entry_id);
CREATE INDEX idx_discrepancies_key_hash ON vsync.discrepancies (key_hash);
COMMENT ON TABLE vsync.discrepancies IS 'A key that differed in a run, both versions sealed (keyset rest), and what became of it';
COMMENT ON COLUMN vsync.discrepancies.state IS 'GONE: it differs no more. OVERTAKEN: a later report stands';

CREATE TABLE vsync.cid_files (
    run_id       UUID PRIMARY KEY,
    file_id      VARCHAR(64),
    participant  VARCHAR(8) NOT NULL,
    key_type     VARCHAR(5) NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_cid_files_requested_at ON vsync.cid_files (requested_at);
COMMENT ON TABLE vsync.cid_files IS 'A run''s order of a file, from before it leaves: all sets share forty a day';
COMMENT ON COLUMN vsync.cid_files.file_id IS 'NULL until DICT has answered';

-- Seed 003's table; participant and key type are ours. Kept for seven years.
CREATE TABLE vsync.sync_reports (
    id              UUID PRIMARY KEY,
    run_id          UUID NOT NULL UNIQUE,
    participant     VARCHAR(8) NOT NULL,
    key_type        VARCHAR(5),
    sync_type       VARCHAR(20) NOT NULL,
    sync_timestamp  TIMESTAMPTZ NOT NULL,
    entries_synced  INT NOT NULL,
    entries_created INT NOT NULL,
    entries_updated INT NOT NULL,
    entries_deleted INT NOT NULL,
    discrepancies   INT NOT NULL,
    failed          INT NOT NULL,
    requests        INT NOT NULL,
    status          VARCHAR(20) NOT NULL CHECK (status IN ('COMPLETED', 'PARTIAL', 'FAILED')),
    duration_ms     BIGINT NOT NULL,
    error_message   TEXT,
    local_vsync     BYTEA CHECK (octet_length(local_vsync) = 32),
    created_at      TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_sync_reports_timestamp ON vsync.sync_reports (sync_timestamp DESC);
COMMENT ON COLUMN vsync.sync_reports.entries_deleted IS 'Put before a person: nothing is deleted by a run';

-- Seed 003's table; `key` is key_encrypted and key_hash.
CREATE TABLE vsync.manual_review_queue (
    id            UUID PRIMARY KEY,
    entry_id      UUID NOT NULL,
    participant   VARCHAR(8) NOT NULL,
    key_type      VARCHAR(5) NOT NULL,
    key_encrypted BYTEA,
    key_hash      VARCHAR(64),
    reason        TEXT NOT NULL,
    status        VARCHAR(20) NOT NULL DEFAULT 'PENDING' CHECK (
        status IN ('PENDING', 'INVESTIGATING', 'AWAITING_SECOND', 'KEEPING', 'RESOLVED')),
    reviewed_by   VARCHAR(255),
    reviewed_at   TIMESTAMPTZ,
    action_taken  TEXT,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    run_id        UUID,
    cid           BYTEA NOT NULL CHECK (octet_length(cid) = 32),
    decide_by     TIMESTAMPTZ NOT NULL,
    resolved_at   TIMESTAMPTZ,
    version       BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX uq_manual_review_queue_open
    ON vsync.manual_review_queue (entry_id) WHERE status <> 'RESOLVED';
CREATE INDEX idx_manual_review_queue_open
    ON vsync.manual_review_queue (created_at) WHERE status <> 'RESOLVED';
COMMENT ON COLUMN vsync.manual_review_queue.reviewed_by IS 'Opaque subject of the token; the seed''s UUID is too narrow for it';

-- Seed 002's names, read only.
CREATE VIEW vsync.sync_batches AS
SELECT id, execution_date AS batch_date, participant_ispb AS participant, key_type, started_at,
       COALESCE(total_accounts_synced, 0) AS total_records,
       COALESCE(operations_success, 0) AS synced_records, status, completed_at,
       reason_code AS error_message
FROM workflows.vsync_workflows;
CREATE VIEW vsync.cids_with_entry AS
SELECT entry.entry_id AS id, NULL::VARCHAR(77) AS key_value, entry.key_type,
       encode(int8send(cid.c1) || int8send(cid.c2) || int8send(cid.c3) || int8send(cid.c4), 'hex')
           AS cid,
       entry.participant AS ispb, NULL::VARCHAR(10) AS branch, NULL::VARCHAR(20) AS account_number,
       NULL::VARCHAR(4) AS account_type, NULL::VARCHAR(14) AS tax_id, entry.created_at,
       entry.updated_at, CASE WHEN cid.active THEN 'synced' ELSE 'pending' END AS sync_status
FROM vsync.cids AS cid
JOIN vsync.entries AS entry USING (entry_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON vsync.found_cids, vsync.log_cids TO vsync;
GRANT SELECT, INSERT, UPDATE ON vsync.discrepancies, vsync.manual_review_queue,
    workflows.vsync_workflows TO vsync;
GRANT SELECT, INSERT, UPDATE ON vsync.cid_files TO vsync;
GRANT SELECT, INSERT ON vsync.sync_reports TO vsync;
GRANT USAGE ON SCHEMA workflows TO vsync;
GRANT SELECT, INSERT, UPDATE, DELETE ON connect.bridge_requests TO vsync;
GRANT SELECT ON vsync.found_cids, vsync.log_cids, vsync.discrepancies, vsync.cid_files, vsync.sync_reports,
    vsync.manual_review_queue, vsync.sync_batches, vsync.cids_with_entry TO operator_ro;
