"""Between our words and the Bridge's protobuf."""

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from dict_common.ports.directory import ClaimQuery, ClaimRequest, DirectoryClaim
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2


def create_claim_request(request: ClaimRequest) -> bridge_pb2.CreateClaimRequest:
    """createClaim's message."""
    account, claimer = request.account, request.claimer
    return bridge_pb2.CreateClaimRequest(
        type=request.type,
        key=request.key,
        key_type=request.key_type,
        claimer_account=bridge_pb2.Account(
            participant=account.participant,
            branch=account.branch,
            account_number=account.number,
            account_type=account.type,
            opening_date=_timestamp(account.opening_date),
        ),
        claimer=bridge_pb2.Owner(
            type=claimer.type,
            tax_id_number=claimer.tax_id,
            name=claimer.name,
            trade_name=claimer.trade_name,
        ),
    )


def list_claims_request(query: ClaimQuery) -> bridge_pb2.ListClaimsRequest:
    """listClaims' message."""
    after = query.modified_after
    return bridge_pb2.ListClaimsRequest(
        participant=query.participant,
        is_claimer=True,
        modified_after=None if after is None else _timestamp(after),
        limit=query.limit,
    )


def directory_claim(claim: bridge_pb2.Claim) -> DirectoryClaim:
    """A claim in our words; what DICT left out is None."""
    return DirectoryClaim(
        id=UUID(claim.id),
        type=claim.type,
        key_type=claim.key_type,
        key=claim.key,
        status=claim.status,
        claimer_participant=claim.claimer_account.participant,
        claimer_branch=claim.claimer_account.branch or None,
        claimer_account_number=claim.claimer_account.account_number,
        donor_participant=claim.donor_participant or None,
        resolution_period_end=_instant(claim, "resolution_period_end"),
        completion_period_end=_instant(claim, "completion_period_end"),
        last_modified=claim.last_modified.ToDatetime(UTC),
        confirm_reason=claim.confirm_reason or None,
        cancel_reason=claim.cancel_reason or None,
        cancelled_by=claim.cancelled_by or None,
        entry_creation_date=_instant(claim, "entry_creation_date"),
        key_ownership_date=_instant(claim, "key_ownership_date"),
    )


def _timestamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant.astimezone(UTC))
    return stamp


def _instant(claim: bridge_pb2.Claim, field: str) -> datetime | None:
    if not claim.HasField(field):  # type: ignore[arg-type]
        return None
    found: datetime = getattr(claim, field).ToDatetime(UTC)
    return found
