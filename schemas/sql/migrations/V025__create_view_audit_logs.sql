-- The columns of the database patterns document; a key value is personal data and never stands here.
CREATE VIEW audit.audit_logs AS
SELECT event_id                     AS id,
       correlation_id               AS correlation_id,
       event_subtype                AS action,
       NULL::VARCHAR(77)            AS key_value,
       NULL::VARCHAR(255)           AS cid,
       event_payload                AS payload,
       occurred_at                  AS created_at
FROM audit.workflow_events;
