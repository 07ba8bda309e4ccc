"""The back door's part about what goes wrong."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator import fault_rows
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.fault_messages import (
    fault_state_message,
    problem_order_message,
    to_plan,
    to_problem,
)
from bridge_simulator.fault_rows import Outage
from bridge_simulator.store import Store
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb


class FaultsServicer:
    """Each answer is sent after its commit: a plan that was answered survives kill -9."""

    def __init__(self, answering: Answering, store: Store) -> None:
        self._answering = answering
        self._store = store

    async def SetFaults(
        self, request: pb.SetFaultsRequest, context: Context
    ) -> pb.SetFaultsResponse:
        def work(_receipt: Receipt) -> pb.SetFaultsResponse:
            plan = to_plan(request.faults)
            with self._store.transaction() as db:
                fault_rows.replace_plan(db, plan)
            return pb.SetFaultsResponse()

        return await self._answering.answer(context, request, work)

    async def ListFaults(
        self, request: pb.ListFaultsRequest, context: Context
    ) -> pb.ListFaultsResponse:
        def work(_receipt: Receipt) -> pb.ListFaultsResponse:
            with self._store.transaction() as db:
                counts, outage = fault_rows.plan_counts(db), fault_rows.find_outage(db)
            problem = outage.problem if outage else None
            return pb.ListFaultsResponse(
                faults=[fault_state_message(count) for count in counts],
                outage=outage is not None,
                outage_problem=problem_order_message(problem) if problem else None,
            )

        return await self._answering.answer(context, request, work)

    async def SetOutage(
        self, request: pb.SetOutageRequest, context: Context
    ) -> pb.SetOutageResponse:
        def work(_receipt: Receipt) -> pb.SetOutageResponse:
            problem = to_problem(request.problem) if request.HasField("problem") else None
            with self._store.transaction() as db:
                fault_rows.set_outage(db, Outage(problem) if request.on else None)
            return pb.SetOutageResponse()

        return await self._answering.answer(context, request, work)
