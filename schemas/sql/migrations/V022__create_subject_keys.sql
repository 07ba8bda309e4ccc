-- One data key for each person or company. Destroying it makes every copy that cannot be deleted
-- unreadable; nothing else in those copies links to the person.
CREATE TABLE connect.subject_keys (
    key_id       UUID PRIMARY KEY,
    subject_id   UUID NOT NULL,
    tax_id_hash  VARCHAR(64),
    wrapped_dek  BYTEA,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    destroyed_at TIMESTAMPTZ,
    CHECK (destroyed_at IS NULL OR (tax_id_hash IS NULL AND wrapped_dek IS NULL))
);
CREATE UNIQUE INDEX uq_subject_keys_tax_id_hash ON connect.subject_keys (tax_id_hash)
    WHERE destroyed_at IS NULL;
CREATE INDEX idx_subject_keys_subject ON connect.subject_keys (subject_id);

CREATE TABLE connect.subject_aggregates (
    subject_id   UUID NOT NULL,
    type         VARCHAR(50) NOT NULL,
    aggregate_id VARCHAR(255) NOT NULL,
    PRIMARY KEY (subject_id, type, aggregate_id)
);
COMMENT ON TABLE connect.subject_aggregates IS 'Which aggregates speak of a subject: found for export, and refused erasure while active';
