"""The process behind a claim: the names that Temporal keeps, and the ids of its executions.

Adapters start it by these names. Nothing here may be renamed while claims are running.
"""

from uuid import UUID

CREATE_CLAIM_WORKFLOW = "CreateClaimWorkflow"
MONITOR_STATUS_WORKFLOW = "MonitorStatusWorkflow"
EXPIRE_COMPLETION_PERIOD_WORKFLOW = "ExpireCompletionPeriodWorkflow"
COMPLETE_CLAIM_WORKFLOW = "CompleteClaimWorkflow"
CANCEL_CLAIM_WORKFLOW = "CancelClaimWorkflow"

CREATE_CLAIM_GRPC = "CreateClaimGRPC"
GET_CLAIM_GRPC = "GetClaimGRPC"
FIND_CLAIM_GRPC = "FindClaimGRPC"
COMPLETE_CLAIM_GRPC = "CompleteClaimGRPC"
CANCEL_CLAIM_GRPC = "CancelClaimGRPC"
POLL_CLAIM_STATUS = "PollClaimStatus"
PREPARE_COMPLETION = "PrepareCompletion"
RECORD_TRANSITION = "RecordTransition"
TRANSFER_ENTRY = "TransferEntry"
NOTIFY_USERS = "NotifyUsers"
LOAD_CLAIM = "LoadClaim"
STORE_DECISION = "StoreDecision"
READ_MAIL = "ReadMail"
AWAIT_DECISIONS = "AwaitDecisions"

CLAIM_STATUS_SIGNAL = "claim-status"
CLAIM_MAIL_SIGNAL = "claim-mail"
CLAIM_DECISION_SIGNAL = "claim-decision"
CLAIM_OPERATOR_SIGNAL = "claim-operator"
CLAIM_DECISION_UPDATE = "claim_decision"
STATUS_QUERY = "status"

# What claims are found by in Temporal: never personal.
SEARCH_CLAIM_ID = "ClaimId"
SEARCH_CLAIM_STATUS = "ClaimStatus"
SEARCH_CLAIMER_ISPB = "ClaimerIspb"
SEARCH_OWNER_ISPB = "OwnerIspb"
SEARCH_EXPIRES_AT = "ClaimExpiresAt"


def workflow_id(claim_id: UUID) -> str:
    """The claimer's workflow."""
    return f"claim-{claim_id}"


def monitor_id(claim_id: UUID) -> str:
    """Its child that carries DICT's status."""
    return f"{workflow_id(claim_id)}-monitor"


def expire_id(claim_id: UUID) -> str:
    """The dead-man switch behind its deadline."""
    return f"{workflow_id(claim_id)}-expire"


def resolution_id(claim_id: UUID) -> str:
    """Whoever completes or cancels at DICT: one id, so that there is one at a time."""
    return f"{workflow_id(claim_id)}-resolution"
