-- Imports of a base of entries: what was imported, and how far, so that a killed one goes on.
CREATE TABLE vsync.imports (
    import_id   UUID PRIMARY KEY,
    file_sha256 VARCHAR(64) NOT NULL,
    as_of       TIMESTAMPTZ NOT NULL,
    chunk_rows  INT NOT NULL CHECK (chunk_rows > 0),
    started_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    ended_at    TIMESTAMPTZ
);
-- One of a file and an instant goes on at a time; who imports them again begins anew.
CREATE UNIQUE INDEX uq_imports_open ON vsync.imports (file_sha256, as_of) WHERE ended_at IS NULL;
COMMENT ON COLUMN vsync.imports.as_of IS 'The base is what DICT had at this instant; its microseconds are the number of all its reports';
COMMENT ON COLUMN vsync.imports.chunk_rows IS 'How the file is cut: the same when it goes on';

CREATE TABLE vsync.import_chunks (
    import_id UUID NOT NULL REFERENCES vsync.imports,
    chunk     INT NOT NULL CHECK (chunk >= 0),
    created   INT NOT NULL,
    updated   INT NOT NULL,
    unchanged INT NOT NULL,
    overtaken INT NOT NULL,
    seen      INT NOT NULL,
    bad       INT NOT NULL,
    faults    JSONB NOT NULL,
    done_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (import_id, chunk)
);
COMMENT ON TABLE vsync.import_chunks IS 'Written in the transaction of the entries: a chunk that is here is done';
COMMENT ON COLUMN vsync.import_chunks.faults IS '[line, column, rule] of each rule that a row breaks; never a value';

GRANT SELECT, INSERT, UPDATE (ended_at) ON vsync.imports TO vsync;
GRANT SELECT, INSERT ON vsync.import_chunks TO vsync;
GRANT SELECT ON vsync.imports, vsync.import_chunks TO operator_ro;
