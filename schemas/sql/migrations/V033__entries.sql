-- Our own base of entries, as far as VSYNC needs it. Hot and sealed apart: CIDs narrow, values one blob.
CREATE SCHEMA vsync;

CREATE TABLE vsync.entries (
    entry_id    UUID PRIMARY KEY,
    participant VARCHAR(8) NOT NULL,
    key_type    VARCHAR(5) NOT NULL,
    active      BOOLEAN NOT NULL,
    key_hash    VARCHAR(64),
    sealed      BYTEA,
    subject_id  UUID,
    numbers     JSONB NOT NULL,
    source      VARCHAR(10) NOT NULL,
    number      BIGINT NOT NULL,
    dict_time   TIMESTAMPTZ NOT NULL,
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (NOT active OR (key_hash IS NOT NULL AND sealed IS NOT NULL))
);
CREATE INDEX idx_entries_key_hash ON vsync.entries (key_hash);
COMMENT ON COLUMN vsync.entries.sealed IS 'The nine inputs of the CID and the RequestId, keyset rest; NULL once deleted or erased';
COMMENT ON COLUMN vsync.entries.numbers IS 'The highest number that each source has told: what is not above it was seen';
COMMENT ON COLUMN vsync.entries.source IS 'With number and dict_time: the report whose content stands';
COMMENT ON COLUMN vsync.entries.active IS 'FALSE: a tombstone, so that a late report of an earlier state changes nothing';

-- 32 bytes as four numbers: bit_xor() of PostgreSQL takes numbers.
CREATE TABLE vsync.cids (
    entry_id    UUID PRIMARY KEY,
    participant VARCHAR(8) NOT NULL,
    key_type    VARCHAR(5) NOT NULL,
    c1 BIGINT NOT NULL, c2 BIGINT NOT NULL, c3 BIGINT NOT NULL, c4 BIGINT NOT NULL,
    active      BOOLEAN NOT NULL
);
-- A CID that stood twice would take itself out of the XOR.
CREATE UNIQUE INDEX uq_cids_active ON vsync.cids (participant, key_type, c1, c2, c3, c4)
    WHERE active;

CREATE TABLE vsync.cid_history (
    id          BIGINT GENERATED ALWAYS AS IDENTITY,
    entry_id    UUID NOT NULL,
    participant VARCHAR(8) NOT NULL,
    key_type    VARCHAR(5) NOT NULL,
    c1 BIGINT NOT NULL, c2 BIGINT NOT NULL, c3 BIGINT NOT NULL, c4 BIGINT NOT NULL,
    event       VARCHAR(7) NOT NULL CHECK (event IN ('ADDED', 'REMOVED')),
    source      VARCHAR(10) NOT NULL,
    dict_time   TIMESTAMPTZ NOT NULL,
    caused_by   UUID NOT NULL,
    at          TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_cid_history_cid ON vsync.cid_history (c1);
CREATE INDEX idx_cid_history_entry ON vsync.cid_history (entry_id);
COMMENT ON TABLE vsync.cid_history IS 'Every CID that an entry ever had, append-only, no personal data: whose was the one that Bacen names?';

CREATE TABLE vsync.folds (
    participant VARCHAR(8) NOT NULL,
    key_type    VARCHAR(5) NOT NULL,
    keys        BIGINT NOT NULL,
    c1 BIGINT NOT NULL, c2 BIGINT NOT NULL, c3 BIGINT NOT NULL, c4 BIGINT NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (participant, key_type)
);
COMMENT ON TABLE vsync.folds IS 'The VSync of each set as it was folded, change by change; a run computes it anew and compares';

GRANT USAGE ON SCHEMA vsync TO vsync, operator_ro;
GRANT SELECT, INSERT, UPDATE ON vsync.entries, vsync.cids, vsync.folds TO vsync;
GRANT SELECT, INSERT ON vsync.cid_history TO vsync;
GRANT SELECT ON vsync.entries, vsync.cids, vsync.cid_history, vsync.folds TO operator_ro;

GRANT USAGE ON SCHEMA connect TO vsync;
GRANT SELECT, INSERT, UPDATE, DELETE ON connect.inbox, connect.outbox TO vsync;
GRANT SELECT, UPDATE (last_publish_no, halted_reason) ON connect.relay_epoch TO vsync;
GRANT SELECT, INSERT ON connect.subject_keys, connect.subject_aggregates TO vsync;
INSERT INTO connect.relay_epoch (service) VALUES ('vsync');
