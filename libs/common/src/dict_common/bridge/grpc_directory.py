"""Claims at the Bridge over gRPC."""

from uuid import UUID

import grpc.aio

from dict_common.bridge.bridge_caller import BridgeCaller
from dict_common.bridge.messages import (
    create_claim_request,
    directory_claim,
    list_claims_request,
)
from dict_common.ports.directory import (
    CallContext,
    ClaimPage,
    ClaimQuery,
    ClaimRequest,
    DirectoryClaim,
    RequestLedger,
)
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2


class GrpcDirectory:
    """Directory over one gRPC channel."""

    def __init__(self, channel: grpc.aio.Channel, ledger: RequestLedger) -> None:
        self._caller = BridgeCaller(channel, ledger)

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """createClaim."""
        answered = await self._caller.answer(
            "CreateClaim", create_claim_request(request), bridge_pb2.CreateClaimResponse, context
        )
        return directory_claim(answered.claim)

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """getClaim."""
        message = bridge_pb2.GetClaimRequest(
            claim_id=str(claim_id), requesting_participant=participant
        )
        answered = await self._caller.answer(
            "GetClaim", message, bridge_pb2.GetClaimResponse, context
        )
        return directory_claim(answered.claim)

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """completeClaim."""
        message = bridge_pb2.CompleteClaimRequest(
            claim_id=str(claim_id), participant=participant, request_id=str(request_id)
        )
        answered = await self._caller.answer(
            "CompleteClaim", message, bridge_pb2.CompleteClaimResponse, context
        )
        return directory_claim(answered.claim)

    async def cancel_claim(
        self, claim_id: UUID, participant: str, reason: str, context: CallContext
    ) -> DirectoryClaim:
        """cancelClaim."""
        message = bridge_pb2.CancelClaimRequest(
            claim_id=str(claim_id), participant=participant, reason=reason
        )
        answered = await self._caller.answer(
            "CancelClaim", message, bridge_pb2.CancelClaimResponse, context
        )
        return directory_claim(answered.claim)

    async def list_claims(self, query: ClaimQuery, context: CallContext) -> ClaimPage:
        """listClaims."""
        answered = await self._caller.answer(
            "ListClaims", list_claims_request(query), bridge_pb2.ListClaimsResponse, context
        )
        return ClaimPage(
            tuple(directory_claim(claim) for claim in answered.claims), answered.has_more_elements
        )
