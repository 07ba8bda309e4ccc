-- Reading the audit.

-- name: search
-- An aggregate's events by sequence; commands that were refused name the claim in their body.
SELECT aggregate_type, aggregate_id, aggregate_sequence, occurred_at, event_type, event_subtype,
       event_id, source, workflow_type, workflow_id, correlation_id, participant_ispb,
       event_payload, metadata
FROM audit.workflow_events
WHERE (aggregate_type IN ('claim', 'claim-donor') AND aggregate_id = $1::text)
   OR (aggregate_type = 'command' AND event_payload ->> 'aggregate_id' = $1::text)
ORDER BY aggregate_type = 'command', aggregate_type, source, aggregate_sequence, occurred_at
LIMIT $2;
