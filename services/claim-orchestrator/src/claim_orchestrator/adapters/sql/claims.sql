-- workflows.claim_workflows: first row by the consumer, every change by RecordTransition.

-- name: claim_insert
INSERT INTO workflows.claim_workflows
    (workflow_id, claim_id, role, entry_id, key_type, key_value_hash, key_encrypted,
     papers_encrypted, claimer_ispb, owner_ispb, claim_type, subject_id, command_id,
     correlation_id, started_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: claim_link_subject
INSERT INTO connect.subject_aggregates (subject_id, type, aggregate_id)
VALUES ($1, 'claim', $2)
ON CONFLICT DO NOTHING;

-- name: claim_record
-- State, events and verdicts in one statement: a version that is not the expected one writes none.
WITH changed AS (
    UPDATE workflows.claim_workflows
    SET version = version + cardinality($4::uuid[]),
        last_event_ids = last_event_ids || jsonb_build_object($5::text, to_jsonb($4::uuid[])),
        -- A resolution or the dead-man switch may write too: the run is the claim's own workflow's.
        workflow_run_id = CASE WHEN workflow_id = $5 THEN $6 ELSE workflow_run_id END,
        status = $7,
        resolution_type = COALESCE($8, resolution_type),
        resolution_reason = COALESCE($9, resolution_reason),
        completed_at = COALESCE(completed_at, $10),
        expires_at = COALESCE($11, expires_at),
        monitor_status_workflow_id = COALESCE($12, monitor_status_workflow_id),
        expire_completion_period_workflow_id =
            COALESCE($13, expire_completion_period_workflow_id),
        -- An error stands until another replaces it or the claim moves: status, end, or intent.
        last_error = CASE
            WHEN $14::text IS NOT NULL THEN $14
            WHEN status <> $7::varchar OR dict_status IS DISTINCT FROM COALESCE($16::varchar, dict_status)
                 OR intent_reason IS DISTINCT FROM $26::varchar THEN NULL
            ELSE last_error END,
        last_error_at = CASE
            WHEN $14::text IS NOT NULL THEN now()
            WHEN status <> $7::varchar OR dict_status IS DISTINCT FROM COALESCE($16::varchar, dict_status)
                 OR intent_reason IS DISTINCT FROM $26::varchar THEN NULL
            ELSE last_error_at END,
        dict_claim_id = COALESCE($15, dict_claim_id),
        dict_status = COALESCE($16, dict_status),
        owner_ispb = COALESCE($17, owner_ispb),
        resolution_period_end = COALESCE($18, resolution_period_end),
        completion_period_end = COALESCE($19, completion_period_end),
        claimer_deadline = COALESCE($20, claimer_deadline),
        confirm_reason = COALESCE($21, confirm_reason),
        cancel_reason = COALESCE($22, cancel_reason),
        cancelled_by = COALESCE($23, cancelled_by),
        dict_last_modified = COALESCE($24, dict_last_modified),
        intent_cause = $25,
        intent_reason = $26,
        intent_decision = $27,
        intent_overruled = $28
    WHERE claim_id = $1 AND role = $2 AND version = $3
      -- An older answer of DICT never overwrites a newer one.
      AND ($24::timestamptz IS NULL OR dict_last_modified IS NULL OR $24 >= dict_last_modified)
    -- What changes: key and papers stay where they are.
    RETURNING version, status, resolution_type, complete_request_id, owner_ispb, dict_claim_id,
        dict_status, resolution_period_end, completion_period_end, dict_last_modified,
        confirm_reason, cancel_reason, cancelled_by, intent_cause, intent_reason, intent_decision,
        intent_overruled
), judged AS (
    UPDATE workflows.claim_decisions
    SET outcome = verdict.outcome, settled_at = $31
    FROM changed, unnest($29::uuid[], $30::text[]) AS verdict (ce_id, outcome)
    WHERE claim_decisions.ce_id = verdict.ce_id
), written AS (
    INSERT INTO connect.outbox
        (topic, message_key, event_id, event_time, sequence, properties, payload)
    SELECT event.topic, event.message_key, event.event_id, event.event_time,
           CASE WHEN event.apart THEN 0 ELSE changed.version - cardinality($4::uuid[]) END
               + event.ordinal,
           event.properties, event.payload
    FROM changed,
         unnest($32::text[], $33::text[], $34::uuid[], $35::timestamptz[], $36::bigint[],
                $37::jsonb[], $38::bytea[], $39::boolean[])
         AS event (topic, message_key, event_id, event_time, ordinal, properties, payload, apart)
)
-- As before this statement: what is judged here is no mail, what is stored meanwhile wakes us.
SELECT changed.*,
       EXISTS (SELECT FROM workflows.claim_decisions
               WHERE claim_id = $1 AND role = $2 AND outcome IS NULL AND ce_id <> ALL ($29))
       OR EXISTS (SELECT FROM workflows.claim_proofs WHERE claim_id = $1) AS mail
FROM changed;

-- name: claim_load
SELECT *, last_event_ids -> $3::text AS own_event_ids
FROM workflows.claim_workflows
WHERE claim_id = $1 AND role = $2;

-- name: claim_complete_request_id
UPDATE workflows.claim_workflows
SET complete_request_id = COALESCE(complete_request_id, $3)
WHERE claim_id = $1 AND role = $2
RETURNING complete_request_id;

-- name: claim_of_dict
SELECT dict_claim_id FROM workflows.claim_workflows
WHERE dict_claim_id = ANY($1::uuid[]) AND role = 'CLAIMER' AND claim_id <> $2;

-- name: claim_list
SELECT claim_id, role, claim_type, key_type, claimer_ispb, owner_ispb, status, dict_status,
       resolution_type, started_at, expires_at, last_error
FROM workflows.claim_workflows
WHERE ($1::text IS NULL OR status = $1)
  AND (NOT $2::boolean OR (status = 'RUNNING' AND last_error IS NOT NULL))
  AND ($3::uuid IS NULL OR (started_at, claim_id) < (
      SELECT last.started_at, last.claim_id
      FROM workflows.claim_workflows AS last
      WHERE last.claim_id = $3 OR last.dict_claim_id = $3
      LIMIT 1))
ORDER BY started_at DESC, claim_id DESC, role
LIMIT $4;

-- name: claim_get
SELECT claim_id, role, workflow_id, dict_claim_id, claim_type, key_type, claimer_ispb, owner_ispb,
       status, dict_status, resolution_type, resolution_reason, started_at, expires_at,
       completed_at, resolution_period_end, completion_period_end, claimer_deadline,
       confirm_reason, cancel_reason, cancelled_by, intent_cause, intent_reason, last_error,
       last_error_at, version, subject_id
FROM workflows.claim_workflows
WHERE claim_id = $1 OR dict_claim_id = $1
ORDER BY role;

-- name: claim_timeline
-- What audit holds of the claim: the truth that compliance sees, not the state table.
SELECT aggregate_sequence, occurred_at, event_type, event_subtype, event_payload, source,
       workflow_id, correlation_id, event_id, metadata ->> 'traceparent' AS traceparent
FROM audit.workflow_events
WHERE aggregate_type IN ('claim', 'claim-donor') AND aggregate_id = $1::text
ORDER BY aggregate_sequence;

-- name: claim_rejections
SELECT aggregate_sequence, occurred_at, event_type, event_subtype, event_payload, event_id,
       metadata ->> 'traceparent' AS traceparent
FROM audit.workflow_events
WHERE aggregate_type = 'command' AND event_payload ->> 'aggregate_id' = $1::text
ORDER BY occurred_at;

-- name: claim_operator_acts
SELECT aggregate_sequence, occurred_at, event_type, event_subtype, event_payload, event_id,
       metadata ->> 'traceparent' AS traceparent
FROM audit.workflow_events
WHERE aggregate_type = 'operator-action' AND event_payload ->> 'target_id' = $1::text
ORDER BY occurred_at;

-- name: claim_bridge_calls
-- Every call to the Bridge about the claim; what was said is sealed and stays so.
SELECT created_at, last_attempt_at, response_received_at, request_id, operation_type, status,
       attempt_count, response_status_code, error_code, unknown_since
FROM connect.bridge_requests
WHERE workflow_id = ANY($1::text[])
ORDER BY created_at;

-- name: claim_counts
SELECT count(*) AS running,
       count(*) FILTER (WHERE expires_at < now()) AS overdue,
       count(*) FILTER (WHERE last_error IS NOT NULL) AS held
FROM workflows.claim_workflows
WHERE status = 'RUNNING';
