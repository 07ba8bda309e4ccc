-- Messages in: a command is done once, however often it arrives.
CREATE TABLE connect.inbox (
    consumer    TEXT NOT NULL,
    ce_id       UUID NOT NULL,
    fingerprint BYTEA NOT NULL,
    outcome     TEXT,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    settled_at  TIMESTAMPTZ,
    service     NAME NOT NULL DEFAULT current_user,
    PRIMARY KEY (consumer, ce_id, fingerprint)
);
COMMENT ON COLUMN connect.inbox.fingerprint IS 'Key id (4 bytes) and PRF (32 bytes) over the decrypted record';
COMMENT ON COLUMN connect.inbox.outcome IS 'NULL until the hand-over has succeeded: a redelivery repeats it';
CREATE INDEX idx_inbox_received_at ON connect.inbox USING brin (received_at);

-- Messages out: written in the statement that changes the state, sent by the one active relay.
CREATE TABLE connect.outbox (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publish_no  BIGINT,
    topic       TEXT NOT NULL,
    message_key TEXT NOT NULL,
    event_id    UUID NOT NULL,
    event_time  TIMESTAMPTZ NOT NULL,
    sequence    BIGINT NOT NULL,
    properties  JSONB NOT NULL,
    payload     BYTEA NOT NULL CHECK (octet_length(payload) <= 65536),
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    service     NAME NOT NULL DEFAULT current_user,
    UNIQUE (service, publish_no)
);
COMMENT ON COLUMN connect.outbox.topic IS 'namespace/name below the tenant: events/claim.created';
COMMENT ON COLUMN connect.outbox.publish_no IS 'The Pulsar sequence id, given in id order and committed before the send; identity order is not commit order';
COMMENT ON COLUMN connect.outbox.sequence IS 'ce_sequence: counts the events of the aggregate, 1, 2, 3 …';
CREATE INDEX idx_outbox_unnumbered ON connect.outbox (service, id) WHERE publish_no IS NULL;

-- The counter and the epoch of each relay. A database made anew has another epoch, hence another
-- producer name, hence nothing that the broker would take for a repeat.
CREATE TABLE connect.relay_epoch (
    service         NAME PRIMARY KEY,
    epoch           UUID NOT NULL DEFAULT gen_random_uuid(),
    last_publish_no BIGINT NOT NULL DEFAULT 0,
    halted_reason   TEXT
);
COMMENT ON COLUMN connect.relay_epoch.halted_reason IS 'Set by a relay that met a number the broker knew and should not: no relay sends until `dictctl db new-epoch`';
INSERT INTO connect.relay_epoch (service) VALUES ('claim_orchestrator');

-- What an operator did with a dead letter, so that doing it twice is doing it once.
CREATE TABLE connect.dead_letter_actions (
    topic       TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    action      TEXT NOT NULL CHECK (action IN ('redrive', 'discard')),
    event_id    UUID,
    operator    TEXT NOT NULL,
    reason      TEXT NOT NULL,
    acted_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, message_id)
);
