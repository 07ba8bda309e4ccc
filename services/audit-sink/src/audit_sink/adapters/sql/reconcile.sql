-- Both sides of a window side by side, in temporary tables of one session of operator_ro.

-- name: session
-- A hash join of 10 M ids spills beyond this; two of them run at once at most.
SET work_mem = '64MB';
SET temp_buffers = '32MB';
SET jit = off;
SET plan_cache_mode = force_custom_plan;

-- name: tables
-- told: the messages. letters: the sink's dead letters; held: those of messages in told, and what
-- became of them. taken: the rows. later: messages found elsewhere.
CREATE TEMPORARY TABLE told (
    event_id uuid, happened_at timestamptz,
    topic smallint NOT NULL, partition int NOT NULL,
    ledger bigint NOT NULL, entry bigint NOT NULL, batch int NOT NULL,
    digest bytea, content bigint
);
CREATE TEMPORARY TABLE letters (
    letter text NOT NULL,
    topic smallint NOT NULL, partition int NOT NULL,
    ledger bigint NOT NULL, entry bigint NOT NULL, batch int NOT NULL
);
CREATE TEMPORARY TABLE held (
    topic smallint, partition int, ledger bigint, entry bigint, batch int, state text
);
CREATE TEMPORARY TABLE taken (
    event_id uuid NOT NULL, occurred_at timestamptz NOT NULL, digest bytea
);
CREATE TEMPORARY TABLE suspects (LIKE told);
CREATE TEMPORARY TABLE strays (LIKE taken);
CREATE TEMPORARY TABLE later (event_id uuid NOT NULL, happened_at timestamptz, digest bytea);
CREATE TEMPORARY TABLE differences (
    kind text NOT NULL, event_id uuid, occurred_at timestamptz,
    topic smallint, partition int, ledger bigint, entry bigint, batch int
);

-- name: clock
SELECT clock_timestamp() AS now;

-- name: take
INSERT INTO taken (event_id, occurred_at)
SELECT event_id, occurred_at
FROM audit.workflow_events
WHERE occurred_at >= $1 AND occurred_at < $2;

-- name: rows
SELECT :columns
FROM audit.workflow_events
WHERE occurred_at >= $1 AND occurred_at < $2;

-- name: analyze
ANALYZE told;
ANALYZE letters;
ANALYZE taken;

-- name: analyze_suspects
ANALYZE suspects;

-- name: analyze_strays
ANALYZE strays;
ANALYZE later;

-- name: counts
SELECT (SELECT count(*) FROM told) AS messages,
       (SELECT count(DISTINCT event_id) FROM told) AS events,
       (SELECT count(*) FROM taken) AS rows;

-- name: hold
-- Redriven before we began: the sink has read it, so it must be a row or another letter.
INSERT INTO held
SELECT told.topic, partition, ledger, entry, batch,
       CASE WHEN acted.action IS NULL THEN 'open'
            WHEN acted.action = 'discard' THEN 'discarded'
            WHEN acted.done_at < $2 THEN 'redriven'
            ELSE 'under_way' END
FROM told
JOIN letters USING (partition, ledger, entry, batch)
LEFT JOIN connect.dead_letter_actions AS acted
       ON acted.topic = $1 AND acted.message_id = letters.letter
WHERE told.topic = letters.topic;

-- name: letters_counts
SELECT state, count(*) AS letters FROM held GROUP BY state;

-- name: bury
-- A message that is a dead letter is accounted for, and tells no row.
DELETE FROM told
USING (SELECT topic, partition, ledger, entry, batch
       FROM held
       GROUP BY topic, partition, ledger, entry, batch
       HAVING bool_and(state IN ('open', 'discarded'))) AS buried
WHERE (told.topic, told.partition, told.ledger, told.entry, told.batch)
    = (buried.topic, buried.partition, buried.ledger, buried.entry, buried.batch);

-- name: suspect
INSERT INTO suspects
SELECT told.*
FROM told
WHERE NOT EXISTS (SELECT FROM taken
                  WHERE taken.event_id = told.event_id
                    AND taken.occurred_at = told.happened_at
                    AND taken.digest IS NOT DISTINCT FROM told.digest);

-- name: clear_held
-- It lies there, also where an earlier letter of it was redriven in vain; or it is on its way back.
DELETE FROM suspects
USING held
WHERE held.state <> 'redriven'
  AND (suspects.topic, suspects.partition, suspects.ledger, suspects.entry, suspects.batch)
    = (held.topic, held.partition, held.ledger, held.entry, held.batch);

-- name: discarded_unseen
-- Letters that may be gone: those that were read do not hold them. An older one, of the same id, may
-- lie where nobody read.
SELECT DISTINCT acted.message_id
FROM suspects
JOIN connect.dead_letter_actions AS acted ON acted.event_id = suspects.event_id
WHERE acted.topic = $1 AND acted.action = 'discard' AND acted.acted_at >= $2
  AND NOT EXISTS (SELECT FROM letters WHERE letters.letter = acted.message_id);

-- name: clear_discarded
-- By the event alone where retention has taken the letter; believed as far as the audit tells it,
-- for a row there that no topic tells is found in its turn.
DELETE FROM suspects
USING connect.dead_letter_actions AS acted
WHERE acted.topic = $1 AND acted.action = 'discard' AND acted.message_id = ANY ($2)
  AND acted.event_id = suspects.event_id
  AND EXISTS (SELECT FROM audit.workflow_events AS told
              WHERE told.aggregate_type = 'operator-action'
                AND told.aggregate_id = acted.request_id::text
                AND told.event_subtype = 'operator.acted'
                AND told.event_payload @> jsonb_build_object(
                        'verb', 'DEAD_LETTERS_DISCARD', 'dry_run', false,
                        'letters', jsonb_build_array(acted.message_id)))
RETURNING suspects.event_id;

-- name: clear_same_content
-- Sent twice, with another trace or on another partition: for the gate it is the same event.
DELETE FROM suspects
USING told, taken
WHERE told.event_id = suspects.event_id AND told.content = suspects.content
  AND taken.event_id = told.event_id AND taken.digest = told.digest;

-- name: clear_elsewhere
-- Counted by its publish time: its row stands where its own time says.
DELETE FROM suspects
WHERE (happened_at < $1 OR happened_at >= $2)
  AND EXISTS (SELECT FROM audit.workflow_events AS stored
              WHERE stored.event_id = suspects.event_id
                AND stored.occurred_at = suspects.happened_at);

-- name: missing
-- An event once, however often it was sent.
INSERT INTO differences
SELECT CASE WHEN stored.event_id IS NULL THEN 'missing-row'
            WHEN digest IS NULL AND stored.occurred_at = happened_at THEN 'not-compared'
            ELSE 'content-differs' END,
       event_id, COALESCE(stored.occurred_at, happened_at), topic, partition, ledger, entry, batch
FROM (SELECT *, row_number() OVER (PARTITION BY event_id
                                   ORDER BY topic, partition, ledger, entry, batch) AS nth
      FROM suspects) AS suspect
LEFT JOIN (SELECT event_id, min(occurred_at) AS occurred_at
           FROM taken
           WHERE event_id IN (SELECT event_id FROM suspects)
           GROUP BY event_id) AS stored USING (event_id)
WHERE nth = 1 OR event_id IS NULL;

-- name: twice
INSERT INTO differences (kind, event_id, occurred_at)
SELECT 'row-twice', event_id, min(occurred_at) FROM taken GROUP BY event_id HAVING count(*) > 1;

-- name: stray
INSERT INTO strays
SELECT taken.*
FROM taken
WHERE NOT EXISTS (SELECT FROM told WHERE told.event_id = taken.event_id);

-- name: strays
SELECT stray.event_id, stray.occurred_at,
       stored.metadata ->> 'topic' AS topic, stored.metadata ->> 'message_id' AS message_id
FROM (SELECT event_id, occurred_at
      FROM strays
      WHERE NOT EXISTS (SELECT FROM later WHERE later.event_id = strays.event_id)
      ORDER BY occurred_at, event_id
      LIMIT $1 OFFSET $2) AS stray
LEFT JOIN LATERAL (SELECT metadata
                   FROM audit.workflow_events AS stored
                   WHERE stored.event_id = stray.event_id
                     AND stored.occurred_at = stray.occurred_at
                   LIMIT 1) AS stored ON true
ORDER BY stray.occurred_at, stray.event_id;

-- name: settle
INSERT INTO differences (kind, event_id, occurred_at)
SELECT CASE WHEN NOT EXISTS (SELECT FROM later WHERE later.event_id = strays.event_id)
                 THEN 'no-topic'
            WHEN EXISTS (SELECT FROM later
                         WHERE later.event_id = strays.event_id
                           AND (later.digest IS NOT NULL
                                OR later.happened_at IS DISTINCT FROM strays.occurred_at))
                 THEN 'content-differs'
            ELSE 'not-compared' END,
       event_id, occurred_at
FROM strays
WHERE NOT EXISTS (SELECT FROM later
                  WHERE later.event_id = strays.event_id
                    AND later.happened_at = strays.occurred_at
                    AND later.digest IS NOT DISTINCT FROM strays.digest);

-- name: kinds
SELECT kind, count(*) AS differences FROM differences GROUP BY kind;

-- name: differences
SELECT found.*, stored.event_subtype, stored.workflow_id
FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY occurred_at, event_id) AS nth
      FROM differences) AS found
LEFT JOIN LATERAL (SELECT event_subtype, workflow_id
                   FROM audit.workflow_events AS stored
                   WHERE stored.event_id = found.event_id
                     AND stored.occurred_at = found.occurred_at
                   LIMIT 1) AS stored ON true
WHERE nth <= $1
ORDER BY kind, nth;

-- name: row
SELECT :columns FROM audit.workflow_events WHERE event_id = $1 AND occurred_at = $2 LIMIT 2;
