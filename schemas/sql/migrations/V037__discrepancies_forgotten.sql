-- Both versions of a key that differed are sealed personal data: they are forgotten after some time.
ALTER TABLE vsync.discrepancies ADD COLUMN found_at TIMESTAMPTZ NOT NULL DEFAULT now();
CREATE INDEX idx_discrepancies_sealed ON vsync.discrepancies (found_at)
    WHERE local_sealed IS NOT NULL OR remote_sealed IS NOT NULL;
COMMENT ON COLUMN vsync.discrepancies.found_at IS 'Versions older than VSYNC_VERSIONS_KEPT_DAYS are NULL; the row stays';
COMMENT ON COLUMN vsync.entries.key_hash IS 'Keyed hash (PRF) of the key, 64 hex digits; a tombstone keeps it: what is older of the key is over';
COMMENT ON COLUMN workflows.vsync_workflows.verified_at IS 'As of when the set is proven: our VSync was computed then and DICT called it OK, or DICT''s log explained every difference until then';
