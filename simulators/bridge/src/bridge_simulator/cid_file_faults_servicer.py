"""The back door's part about what goes wrong with files of CIDs."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator import cid_file_fault_rows
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.cid_file_fault_messages import file_fault_state_message, to_file_plan
from bridge_simulator.store import Store
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb


class CidFileFaultsServicer:
    """Each answer is sent after its commit: a plan that was answered survives kill -9."""

    def __init__(self, answering: Answering, store: Store) -> None:
        self._answering = answering
        self._store = store

    async def SetCidFileFaults(
        self, request: pb.SetCidFileFaultsRequest, context: Context
    ) -> pb.SetCidFileFaultsResponse:
        def work(_receipt: Receipt) -> pb.SetCidFileFaultsResponse:
            plan = to_file_plan(request.faults)
            with self._store.transaction() as db:
                cid_file_fault_rows.replace_plan(db, plan)
            return pb.SetCidFileFaultsResponse()

        return await self._answering.answer(context, request, work)

    async def ListCidFileFaults(
        self, request: pb.ListCidFileFaultsRequest, context: Context
    ) -> pb.ListCidFileFaultsResponse:
        def work(_receipt: Receipt) -> pb.ListCidFileFaultsResponse:
            with self._store.transaction() as db:
                counts = cid_file_fault_rows.plan_counts(db)
            return pb.ListCidFileFaultsResponse(
                faults=[file_fault_state_message(count) for count in counts]
            )

        return await self._answering.answer(context, request, work)
