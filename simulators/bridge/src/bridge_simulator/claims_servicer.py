"""The claims' part of the Bridge."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.claim_operations import ClaimOperations, ClaimQuery
from bridge_simulator.ledger import Call
from bridge_simulator.messages import claim_message, instant, timestamp, to_account, to_owner
from bridge_simulator.records import ClaimOrder
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb


class ClaimsServicer:
    """Each method is Bacen's call of that name; refusals abort it with DICT's problem."""

    def __init__(self, answering: Answering, claims: ClaimOperations) -> None:
        self._answering = answering
        self._claims = claims

    async def CreateClaim(
        self, request: pb.CreateClaimRequest, context: Context
    ) -> pb.CreateClaimResponse:
        order = ClaimOrder(
            type=request.type,
            key=request.key,
            key_type=request.key_type,
            claimer_account=to_account(request.claimer_account),
            claimer=to_owner(request.claimer),
        )

        def work(receipt: Receipt) -> pb.CreateClaimResponse:
            return pb.CreateClaimResponse(
                claim=claim_message(self._claims.create(order, receipt.x_request_id)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        policy = (order.claimer_account.participant, "CLAIMS_WRITE")
        return await self._answering.answer(context, request, work, policy)

    async def AcknowledgeClaim(
        self, request: pb.AcknowledgeClaimRequest, context: Context
    ) -> pb.AcknowledgeClaimResponse:
        def work(receipt: Receipt) -> pb.AcknowledgeClaimResponse:
            call = Call(
                "AcknowledgeClaim",
                request.participant,
                request.claim_id,
                x_request_id=receipt.x_request_id,
            )
            return pb.AcknowledgeClaimResponse(
                claim=claim_message(self._claims.acknowledge(call)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (request.participant, "CLAIMS_WRITE")
        )

    async def ConfirmClaim(
        self, request: pb.ConfirmClaimRequest, context: Context
    ) -> pb.ConfirmClaimResponse:
        def work(receipt: Receipt) -> pb.ConfirmClaimResponse:
            call = Call(
                "ConfirmClaim",
                request.participant,
                request.claim_id,
                x_request_id=receipt.x_request_id,
            )
            return pb.ConfirmClaimResponse(
                claim=claim_message(self._claims.confirm(call, request.reason)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (request.participant, "CLAIMS_WRITE")
        )

    async def CancelClaim(
        self, request: pb.CancelClaimRequest, context: Context
    ) -> pb.CancelClaimResponse:
        def work(receipt: Receipt) -> pb.CancelClaimResponse:
            call = Call(
                "CancelClaim",
                request.participant,
                request.claim_id,
                x_request_id=receipt.x_request_id,
            )
            return pb.CancelClaimResponse(
                claim=claim_message(self._claims.cancel(call, request.reason)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (request.participant, "CLAIMS_WRITE")
        )

    async def CompleteClaim(
        self, request: pb.CompleteClaimRequest, context: Context
    ) -> pb.CompleteClaimResponse:
        def work(receipt: Receipt) -> pb.CompleteClaimResponse:
            call = Call(
                "CompleteClaim",
                request.participant,
                request.claim_id,
                request.request_id,
                receipt.x_request_id,
            )
            return pb.CompleteClaimResponse(
                claim=claim_message(self._claims.complete(call)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (request.participant, "CLAIMS_WRITE")
        )

    async def GetClaim(self, request: pb.GetClaimRequest, context: Context) -> pb.GetClaimResponse:
        def work(receipt: Receipt) -> pb.GetClaimResponse:
            claim = self._claims.get(request.claim_id, request.requesting_participant)
            return pb.GetClaimResponse(
                claim=claim_message(claim),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        policy = (request.requesting_participant, "CLAIMS_READ")
        return await self._answering.answer(context, request, work, policy)

    async def ListClaims(
        self, request: pb.ListClaimsRequest, context: Context
    ) -> pb.ListClaimsResponse:
        query = _query(request)

        def work(receipt: Receipt) -> pb.ListClaimsResponse:
            claims, has_more = self._claims.list(query)
            return pb.ListClaimsResponse(
                has_more_elements=has_more,
                claims=[claim_message(claim) for claim in claims],
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        with_role = query.is_donor or query.is_claimer
        name = "CLAIMS_LIST_WITH_ROLE" if with_role else "CLAIMS_LIST_WITHOUT_ROLE"
        return await self._answering.answer(context, request, work, (request.participant, name))


def _query(request: pb.ListClaimsRequest) -> ClaimQuery:
    return ClaimQuery(
        participant=request.participant,
        include_indirect_participants=request.include_indirect_participants,
        is_donor=request.is_donor if request.HasField("is_donor") else None,
        is_claimer=request.is_claimer if request.HasField("is_claimer") else None,
        status=frozenset(request.status),
        type=request.type if request.HasField("type") else None,
        modified_after=instant(request, "modified_after"),
        modified_before=instant(request, "modified_before"),
        limit=request.limit if request.HasField("limit") else None,
    )
