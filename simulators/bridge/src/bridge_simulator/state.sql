-- What DICT keeps. Times are microseconds since 1970 in UTC; bodies are JSON.
CREATE TABLE IF NOT EXISTS entries (
    key         TEXT PRIMARY KEY,
    key_type    TEXT NOT NULL,
    participant TEXT NOT NULL,
    account     TEXT NOT NULL,
    cid         TEXT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_cid ON entries (cid);
CREATE INDEX IF NOT EXISTS entries_account ON entries (account);
CREATE INDEX IF NOT EXISTS entries_set ON entries (participant, key_type);

-- Sets of entries that are made from a seed, and the entries of theirs that are not there any more:
-- removed, or changed and in `entries` since.
CREATE TABLE IF NOT EXISTS generated_sets (
    participant TEXT NOT NULL,
    key_type    TEXT NOT NULL,
    seed        TEXT NOT NULL,
    count       INTEGER NOT NULL,
    verifier    TEXT NOT NULL,
    made_us     INTEGER NOT NULL,
    PRIMARY KEY (participant, key_type)
);
CREATE TABLE IF NOT EXISTS generated_gone (
    participant TEXT NOT NULL,
    key_type    TEXT NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (participant, key_type, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS claims (
    id          TEXT PRIMARY KEY,
    key         TEXT NOT NULL,
    type        TEXT NOT NULL,
    status      TEXT NOT NULL,
    donor       TEXT NOT NULL,
    claimer     TEXT NOT NULL,
    modified_us INTEGER NOT NULL,
    body        TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS claims_open ON claims (key)
    WHERE status NOT IN ('COMPLETED', 'CANCELLED');
CREATE INDEX IF NOT EXISTS claims_modified ON claims (modified_us, id);

CREATE TABLE IF NOT EXISTS request_ids (
    participant TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    digest      TEXT NOT NULL,
    answer      TEXT NOT NULL,
    PRIMARY KEY (participant, request_id)
);

CREATE TABLE IF NOT EXISTS cid_events (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    participant    TEXT NOT NULL,
    key_type       TEXT NOT NULL,
    type           TEXT NOT NULL,
    cid            TEXT NOT NULL,
    at_us          INTEGER NOT NULL,
    verifier_after TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS cid_events_last ON cid_events (participant, key_type, sequence);
CREATE INDEX IF NOT EXISTS cid_events_set ON cid_events (participant, key_type, at_us, sequence);

CREATE TABLE IF NOT EXISTS cid_files (
    id           TEXT PRIMARY KEY,
    participant  TEXT NOT NULL,
    key_type     TEXT NOT NULL,
    requested_us INTEGER NOT NULL,
    created_us   INTEGER,
    content      BLOB
);

-- Size and digest of the whole file, as it was written. `gone`: what its generated set lacked,
-- positions of four bytes; NULL where the set was not generated.
CREATE TABLE IF NOT EXISTS cid_files_made (
    file_id TEXT PRIMARY KEY,
    bytes   INTEGER NOT NULL,
    sha256  TEXT NOT NULL,
    gone    BLOB
);

-- What goes wrong with a file that was asked for, and how many downloads it has refused so far.
CREATE TABLE IF NOT EXISTS cid_file_troubles (
    file_id  TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS ledger (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    operation     TEXT NOT NULL,
    claim_id      TEXT NOT NULL,
    participant   TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    x_request_id  TEXT NOT NULL,
    status_before TEXT NOT NULL,
    status_after  TEXT NOT NULL,
    at_us         INTEGER NOT NULL,
    effective     INTEGER NOT NULL,
    problem_type  TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ledger_claim ON ledger (claim_id, sequence);
CREATE INDEX IF NOT EXISTS ledger_x_request_id ON ledger (x_request_id);

-- What was ordered to go wrong. An empty operation, claim or participant matches every one.
CREATE TABLE IF NOT EXISTS faults (
    position    INTEGER PRIMARY KEY,
    operation   TEXT NOT NULL,
    claim_id    TEXT NOT NULL,
    participant TEXT NOT NULL,
    times       INTEGER NOT NULL,
    body        TEXT NOT NULL,
    seen        INTEGER NOT NULL DEFAULT 0,
    fired       INTEGER NOT NULL DEFAULT 0
);

-- The same for files of CIDs, decided when one is asked for.
CREATE TABLE IF NOT EXISTS cid_file_faults (
    position    INTEGER PRIMARY KEY,
    participant TEXT NOT NULL,
    key_type    TEXT NOT NULL,
    skip        INTEGER NOT NULL,
    times       INTEGER NOT NULL,
    body        TEXT NOT NULL,
    seen        INTEGER NOT NULL DEFAULT 0,
    fired       INTEGER NOT NULL DEFAULT 0
);

-- The row is there while the Bridge is away.
CREATE TABLE IF NOT EXISTS outage (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    problem TEXT
);

-- The script. An act is done when the ledger has its x_request_id; it waits for a claim on its key
-- while claim_id is empty.
CREATE TABLE IF NOT EXISTS acts (
    position       INTEGER PRIMARY KEY,
    x_request_id   TEXT NOT NULL UNIQUE,
    key            TEXT NOT NULL,
    claim_id       TEXT NOT NULL,
    after_ms       INTEGER NOT NULL,
    due_us         INTEGER,
    only_if_status TEXT NOT NULL,
    body           TEXT NOT NULL
);
CREATE VIEW IF NOT EXISTS acts_undone AS SELECT * FROM acts
    WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.x_request_id = acts.x_request_id);
