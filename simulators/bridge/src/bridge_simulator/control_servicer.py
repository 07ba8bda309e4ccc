"""The back door: what the rest of the world does to DICT, and what DICT then saw."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator import ledger
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.buckets import Buckets
from bridge_simulator.claim_operations import ClaimOperations
from bridge_simulator.directory import Directory
from bridge_simulator.entry_operations import EntryOperations
from bridge_simulator.ledger import Call
from bridge_simulator.messages import (
    claim_message,
    entry_message,
    operation_message,
    to_entry_order,
)
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Claim
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlServicer

OPERATIONS_LIMIT_DEFAULT = 200
OPERATIONS_LIMIT_MAX = 1000


class SimulatorControl(SimulatorControlServicer):
    """The same rules as the Bridge's and the same ledger; no bucket is asked."""

    def __init__(self, directory: Directory, buckets: Buckets) -> None:
        self._directory = directory
        self._buckets = buckets
        self._answering = Answering(directory, buckets)
        self._claims = ClaimOperations(directory)
        self._entries = EntryOperations(directory)

    async def SeedEntry(
        self, request: pb.SeedEntryRequest, context: Context
    ) -> pb.SeedEntryResponse:
        def work(receipt: Receipt) -> pb.SeedEntryResponse:
            call = Call(
                "CreateEntry",
                request.entry.account.participant,
                request_id=request.request_id or str(self._directory.new_uuid()),
                x_request_id=receipt.x_request_id,
            )
            entry = self._entries.create(to_entry_order(request.entry), "USER_REQUESTED", call)
            return pb.SeedEntryResponse(
                entry=entry_message(entry), request_id=entry.request_id, cid=entry.cid
            )

        return await self._answering.answer(context, work)

    async def ActOnClaim(
        self, request: pb.ActOnClaimRequest, context: Context
    ) -> pb.ActOnClaimResponse:
        def work(receipt: Receipt) -> pb.ActOnClaimResponse:
            return pb.ActOnClaimResponse(claim=claim_message(self._act(request, receipt)))

        return await self._answering.answer(context, work)

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Context
    ) -> pb.ListOperationsResponse:
        def work(_receipt: Receipt) -> pb.ListOperationsResponse:
            limit = request.limit if request.HasField("limit") else OPERATIONS_LIMIT_DEFAULT
            if not 1 <= limit <= OPERATIONS_LIMIT_MAX:
                raise DictProblem("BadRequest", f"limit: 1 to {OPERATIONS_LIMIT_MAX}")
            with self._directory.store.transaction() as db:
                found = ledger.operations(
                    db, request.claim_id, request.after_sequence, request.effective_only, limit + 1
                )
            return pb.ListOperationsResponse(
                has_more_elements=len(found) > limit,
                operations=[operation_message(done) for done in found[:limit]],
            )

        return await self._answering.answer(context, work)

    async def Reset(self, request: pb.ResetRequest, context: Context) -> pb.ResetResponse:
        del request  # carries nothing

        def work(_receipt: Receipt) -> pb.ResetResponse:
            self._directory.store.clear()
            self._buckets.clear()
            return pb.ResetResponse()

        return await self._answering.answer(context, work)

    def _act(self, request: pb.ActOnClaimRequest, receipt: Receipt) -> Claim:
        def call(operation: str) -> Call:
            return Call(
                operation,
                request.participant,
                request.claim_id,
                x_request_id=receipt.x_request_id,
            )

        match request.action:
            case "ACKNOWLEDGE":
                return self._claims.acknowledge(call("AcknowledgeClaim"))
            case "CONFIRM":
                return self._claims.confirm(call("ConfirmClaim"), request.reason)
            case "CANCEL":
                return self._claims.cancel(call("CancelClaim"), request.reason)
            case _:
                raise DictProblem("BadRequest", "action: ACKNOWLEDGE, CONFIRM or CANCEL")
