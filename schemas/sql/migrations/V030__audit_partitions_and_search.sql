-- Partitions that can be kept by a role that cannot touch a row, and searches that find an index.

-- Each function gives up after three seconds of waiting for a lock: whoever waits for ACCESS
-- EXCLUSIVE makes everybody behind it wait too. Its caller tries again.
CREATE OR REPLACE FUNCTION audit.ensure_partition(wanted DATE) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' SET timezone = 'UTC' AS $$
DECLARE
    first_day DATE := date_trunc('month', wanted)::date;
    since TIMESTAMPTZ := first_day;
    until TIMESTAMPTZ := first_day + INTERVAL '1 month';
    part_name TEXT := 'workflow_events_' || to_char(first_day, 'YYYY_MM');
    part REGCLASS := to_regclass('audit.' || part_name);
BEGIN
    IF part IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partition'));
        part := to_regclass('audit.' || part_name);
    END IF;
    IF EXISTS (SELECT FROM pg_inherits
               WHERE inhrelid = part AND inhparent = 'audit.workflow_events'::regclass) THEN
        RETURN FALSE;
    END IF;
    IF part IS NOT NULL THEN
        RAISE EXCEPTION 'audit.% was detached and is not attached again', part_name
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF EXISTS (SELECT FROM audit.workflow_events_default
               WHERE occurred_at >= since AND occurred_at < until) THEN
        RAISE EXCEPTION 'the DEFAULT partition holds rows of %', to_char(first_day, 'YYYY-MM')
            USING ERRCODE = 'check_violation',
                  HINT = 'dictctl audit partitions rehome --month ' || to_char(first_day, 'YYYY-MM');
    END IF;
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.workflow_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part_name);
    EXECUTE format('ALTER TABLE audit.workflow_events ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
        part_name, since, until);
    RETURN TRUE;
END
$$;

CREATE FUNCTION audit.default_rows() RETURNS TABLE (month DATE, rows BIGINT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT date_trunc('month', occurred_at, 'UTC')::date AS month, count(*) AS rows
    FROM audit.workflow_events_default
    GROUP BY 1
    ORDER BY 1
$$;
COMMENT ON FUNCTION audit.default_rows IS 'How many rows of which month (UTC) stand in DEFAULT';

-- Rows come home from DEFAULT in one transaction of the caller: begin, copy and compare in pieces,
-- lock, copy what came meanwhile, swap. Nobody deletes, and whoever may call these cannot lose a
-- row: only rows of DEFAULT can be copied, none of them twice, and swap refuses while one is missing.
CREATE FUNCTION audit.rehome_begin(months DATE[]) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' SET timezone = 'UTC' AS $$
DECLARE
    first_day DATE;
    part_name TEXT;
    since TIMESTAMPTZ;
    until TIMESTAMPTZ;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partition'));
    DROP TABLE IF EXISTS audit.workflow_events_rehome;
    CREATE TABLE audit.workflow_events_rehome
        (LIKE audit.workflow_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)
        PARTITION BY RANGE (occurred_at);
    FOREACH first_day IN ARRAY months LOOP
        first_day := date_trunc('month', first_day)::date;
        part_name := 'workflow_events_' || to_char(first_day, 'YYYY_MM');
        since := first_day;
        until := first_day + INTERVAL '1 month';
        IF to_regclass('audit.' || part_name) IS NOT NULL THEN
            RAISE EXCEPTION 'audit.% is there already', part_name
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.workflow_events_rehome FOR VALUES FROM (%L) TO (%L)',
            part_name, since, until);
        -- Tells ATTACH what it would scan the month for.
        EXECUTE format('ALTER TABLE audit.%I ADD CONSTRAINT rehome_bounds CHECK (occurred_at >= %L AND occurred_at < %L)',
            part_name, since, until);
    END LOOP;
    CREATE TABLE audit.workflow_events_rehome_default
        PARTITION OF audit.workflow_events_rehome DEFAULT;
    CREATE UNIQUE INDEX workflow_events_rehome_once
        ON audit.workflow_events_rehome (batch_id, leaf_no, occurred_at);
    GRANT SELECT ON audit.workflow_events_rehome TO audit_maintainer;
END
$$;
COMMENT ON FUNCTION audit.rehome_begin IS 'Makes the months, unattached, and a new DEFAULT behind audit.workflow_events_rehome';

CREATE FUNCTION audit.rehome_parts(after_chain_no BIGINT, last_chain_no BIGINT)
RETURNS TABLE (batch_id UUID, chain_no BIGINT, month DATE, rows BIGINT,
               proven_rows INT, proven_root BYTEA)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT stray.batch_id, stray.chain_no, stray.month, stray.rows, part.rows, part.root
    FROM (
        SELECT batch.batch_id, batch.chain_no,
               date_trunc('month', occurred_at, 'UTC')::date AS month, count(*) AS rows
        FROM audit.batches AS batch
        JOIN audit.workflow_events_default AS event USING (batch_id)
        WHERE batch.chain_no > $1 AND batch.chain_no <= $2
        GROUP BY 1, 2, 3
    ) AS stray
    LEFT JOIN audit.batch_parts AS part USING (batch_id, month)
    ORDER BY stray.chain_no, stray.month
$$;
COMMENT ON FUNCTION audit.rehome_parts IS 'What stands in DEFAULT of the batches in that range of the chain, and what proves it';

CREATE FUNCTION audit.rehome_copy(batch_ids UUID[]) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    copied BIGINT;
BEGIN
    INSERT INTO audit.workflow_events_rehome
    SELECT * FROM audit.workflow_events_default WHERE batch_id = ANY (batch_ids);
    GET DIAGNOSTICS copied = ROW_COUNT;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION audit.rehome_copy IS 'Copies the rows of these batches from DEFAULT, every column; answers how many';

CREATE FUNCTION audit.rehome_lock() RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    LOCK TABLE ONLY audit.workflow_events IN ACCESS EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION audit.rehome_lock IS 'Sinks and readers wait from here to the end of the transaction';

CREATE FUNCTION audit.rehome_swap() RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' SET timezone = 'UTC' AS $$
DECLARE
    part REGCLASS;
    bounds TEXT;
    old_rows BIGINT;
    new_rows BIGINT;
BEGIN
    LOCK TABLE ONLY audit.workflow_events IN ACCESS EXCLUSIVE MODE;
    SELECT count(*) INTO old_rows FROM audit.workflow_events_default;
    SELECT count(*) INTO new_rows FROM audit.workflow_events_rehome;
    IF old_rows <> new_rows THEN
        RAISE EXCEPTION 'DEFAULT holds % rows, % of them were copied', old_rows, new_rows
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    ALTER TABLE audit.workflow_events DETACH PARTITION audit.workflow_events_default;
    DROP TABLE audit.workflow_events_default;
    DROP INDEX audit.workflow_events_rehome_once;
    ALTER TABLE audit.workflow_events_rehome
        DETACH PARTITION audit.workflow_events_rehome_default;
    FOR part, bounds IN
        SELECT child.oid::regclass, pg_get_expr(child.relpartbound, child.oid)
        FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'audit.workflow_events_rehome'::regclass
    LOOP
        EXECUTE format('ALTER TABLE audit.workflow_events_rehome DETACH PARTITION %s', part);
        EXECUTE format('ALTER TABLE audit.workflow_events ATTACH PARTITION %s %s', part, bounds);
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT rehome_bounds', part);
    END LOOP;
    ALTER TABLE audit.workflow_events_rehome_default RENAME TO workflow_events_default;
    -- Last: months beside it would each scan it.
    ALTER TABLE audit.workflow_events
        ATTACH PARTITION audit.workflow_events_default DEFAULT;
    DROP TABLE audit.workflow_events_rehome;
    RETURN new_rows;
END
$$;
COMMENT ON FUNCTION audit.rehome_swap IS 'Months and new DEFAULT take the place of the old DEFAULT if they hold as many rows; answers how many';

ALTER FUNCTION audit.default_rows() OWNER TO audit_owner;
ALTER FUNCTION audit.rehome_begin(DATE[]) OWNER TO audit_owner;
ALTER FUNCTION audit.rehome_parts(BIGINT, BIGINT) OWNER TO audit_owner;
ALTER FUNCTION audit.rehome_copy(UUID[]) OWNER TO audit_owner;
ALTER FUNCTION audit.rehome_lock() OWNER TO audit_owner;
ALTER FUNCTION audit.rehome_swap() OWNER TO audit_owner;
REVOKE ALL ON FUNCTION audit.default_rows(), audit.rehome_begin(DATE[]),
    audit.rehome_parts(BIGINT, BIGINT), audit.rehome_copy(UUID[]), audit.rehome_lock(),
    audit.rehome_swap() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.default_rows() TO audit_sink, audit_maintainer;
GRANT EXECUTE ON FUNCTION audit.rehome_begin(DATE[]), audit.rehome_parts(BIGINT, BIGINT),
    audit.rehome_copy(UUID[]), audit.rehome_lock(), audit.rehome_swap() TO audit_maintainer;

-- A batch's rows: what follows the chain reads them, and what brings rows home.
CREATE INDEX idx_workflow_events_batch ON audit.workflow_events (batch_id);
-- Tells in which 128 pages something can stand: an event by its id, a rare participant or type.
-- A fifteenth of the size that a btree on event_id has, and sinks do not feel it.
CREATE INDEX idx_workflow_events_bloom ON audit.workflow_events USING brin (
    event_id uuid_bloom_ops (n_distinct_per_range = 2048),
    participant_ispb text_bloom_ops (n_distinct_per_range = 64),
    event_subtype text_bloom_ops (n_distinct_per_range = 64),
    event_type text_bloom_ops (n_distinct_per_range = 64)
) WITH (autosummarize = on);

-- The types of seed 002's audit_logs. Times keep their zone, and correlation_id is NULL where an
-- event has none: a value made up here would find nothing by its index.
DROP VIEW audit.audit_logs;
CREATE VIEW audit.audit_logs AS
SELECT event_id                                          AS id,
       correlation_id::VARCHAR(255)                      AS correlation_id,
       COALESCE(event_subtype, event_type)::VARCHAR(50)  AS action,
       NULL::VARCHAR(77)                                 AS key_value,
       NULL::VARCHAR(255)                                AS cid,
       event_payload                                     AS payload,
       occurred_at                                       AS created_at
FROM audit.workflow_events;
COMMENT ON VIEW audit.audit_logs IS 'The columns of the database patterns document; a key value is personal data and never stands here';
ALTER VIEW audit.audit_logs OWNER TO audit_owner;
GRANT SELECT ON audit.audit_logs TO audit_reader;
