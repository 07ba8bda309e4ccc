"""The back door: what the rest of the world does to DICT, and what DICT then saw."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator import ledger
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.buckets import Buckets
from bridge_simulator.cid_file_faults_servicer import CidFileFaultsServicer
from bridge_simulator.directory import Directory
from bridge_simulator.faults_servicer import FaultsServicer
from bridge_simulator.ledger import Call
from bridge_simulator.messages import (
    entry_message,
    operation_message,
    to_entry_order,
)
from bridge_simulator.others_servicer import OthersServicer
from bridge_simulator.problems import DictProblem
from bridge_simulator.sets_servicer import SetsServicer
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlServicer

OPERATIONS_LIMIT_DEFAULT = 200
OPERATIONS_LIMIT_MAX = 1000


class SimulatorControl(
    SetsServicer,
    FaultsServicer,
    CidFileFaultsServicer,
    OthersServicer,
    SimulatorControlServicer,
):
    """The same rules as the Bridge's and the same ledger; no bucket is asked, no fault happens."""

    def __init__(self, directory: Directory, buckets: Buckets) -> None:
        self._directory = directory
        self._buckets = buckets
        answering = Answering(directory, buckets)
        FaultsServicer.__init__(self, answering, directory.store)
        CidFileFaultsServicer.__init__(self, answering, directory.store)
        OthersServicer.__init__(self, answering, directory)
        SetsServicer.__init__(self, answering, directory)

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

        return await self._answering.answer(context, request, work)

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

        return await self._answering.answer(context, request, work)

    async def Reset(self, request: pb.ResetRequest, context: Context) -> pb.ResetResponse:
        def work(_receipt: Receipt) -> pb.ResetResponse:
            self._directory.store.clear()
            self._directory.generated.clear()
            self._directory.changed.set()
            self._buckets.clear()
            return pb.ResetResponse()

        return await self._answering.answer(context, request, work)
