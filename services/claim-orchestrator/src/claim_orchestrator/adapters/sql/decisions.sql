-- workflows.claim_decisions and claim_proofs: stored before the claim's workflow is told.

-- name: decision_claim_status
-- FOR SHARE waits for whoever ends the claim now, and makes him wait: a decision is either stored
-- before the end, where the workflow's last look finds it, or refused here.
SELECT status FROM workflows.claim_workflows
WHERE claim_id = $1 AND role = $2
FOR SHARE;

-- name: decision_insert
INSERT INTO workflows.claim_decisions
    (ce_id, claim_id, role, decision, reason, otp_id, decided_at, published_at, effective_at,
     decided_by, stored_at, fingerprint, correlation_id, traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT DO NOTHING
RETURNING ce_id;

-- name: decision_outcome
SELECT outcome, claim_id, role, decision, reason, decided_by
FROM workflows.claim_decisions WHERE ce_id = $1;

-- name: decision_mail
SELECT ce_id, decision, reason, decided_at, effective_at, decided_by, otp_id
FROM workflows.claim_decisions
WHERE claim_id = $1 AND role = $2 AND outcome IS NULL
ORDER BY effective_at, arrival
LIMIT $3;

-- name: decision_rows
SELECT ce_id, claim_id, role, decision, reason, otp_id, decided_at, published_at, effective_at,
       decided_by, stored_at, fingerprint, correlation_id, traceparent
FROM workflows.claim_decisions
WHERE ce_id = ANY($1::uuid[])
ORDER BY effective_at, arrival;

-- name: decision_orphans
SELECT ce_id, claim_id, role, decision, reason, otp_id, decided_at, published_at, effective_at,
       decided_by, stored_at, fingerprint, correlation_id, traceparent
FROM workflows.claim_decisions AS decision
WHERE outcome IS NULL AND stored_at < $1
  AND NOT EXISTS (SELECT FROM workflows.claim_workflows AS claim
                  WHERE claim.claim_id = decision.claim_id AND claim.role = decision.role)
ORDER BY stored_at
LIMIT $2;

-- name: decision_refuse_orphan
UPDATE workflows.claim_decisions AS decision
SET outcome = $2, settled_at = now()
WHERE ce_id = $1 AND outcome IS NULL
  AND NOT EXISTS (SELECT FROM workflows.claim_workflows AS claim
                  WHERE claim.claim_id = decision.claim_id AND claim.role = decision.role)
RETURNING ce_id;

-- name: proof_insert
INSERT INTO workflows.claim_proofs (otp_id, claim_id, validated_at, ce_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING otp_id;

-- name: proof_newest
-- One made in time is not lost to a later one.
SELECT coalesce(max(validated_at) FILTER (WHERE validated_at < claim.claimer_deadline),
                max(validated_at)) AS proven_at
FROM workflows.claim_proofs AS proof
LEFT JOIN workflows.claim_workflows AS claim
    ON claim.claim_id = proof.claim_id AND claim.role = 'CLAIMER'
WHERE proof.claim_id = $1;
