"""The entries' part of the Bridge."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.entry_operations import EntryOperations
from bridge_simulator.formats import require_participant
from bridge_simulator.ledger import Call
from bridge_simulator.messages import (
    entry_message,
    timestamp,
    to_account,
    to_entry_order,
    to_owner,
)
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb


class EntriesServicer:
    """Each method is Bacen's call of that name; refusals abort it with DICT's problem."""

    def __init__(self, answering: Answering, entries: EntryOperations) -> None:
        self._answering = answering
        self._entries = entries

    async def CreateEntry(
        self, request: pb.CreateEntryRequest, context: Context
    ) -> pb.CreateEntryResponse:
        participant = request.account.participant

        def work(receipt: Receipt) -> pb.CreateEntryResponse:
            call = Call(
                "CreateEntry",
                participant,
                request_id=request.request_id,
                x_request_id=receipt.x_request_id,
            )
            entry = self._entries.create(to_entry_order(request), request.reason, call)
            return pb.CreateEntryResponse(
                entry=entry_message(entry),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(context, request, work, (participant, "ENTRIES_WRITE"))

    async def GetEntry(self, request: pb.GetEntryRequest, context: Context) -> pb.GetEntryResponse:
        def work(receipt: Receipt) -> pb.GetEntryResponse:
            require_participant(request.requesting_participant)
            return pb.GetEntryResponse(
                entry=entry_message(*self._entries.get(request.key)),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(context, request, work)

    async def UpdateEntry(
        self, request: pb.UpdateEntryRequest, context: Context
    ) -> pb.UpdateEntryResponse:
        account = to_account(request.account)

        def work(receipt: Receipt) -> pb.UpdateEntryResponse:
            call = Call("UpdateEntry", account.participant, x_request_id=receipt.x_request_id)
            entry = self._entries.update(
                request.key, account, to_owner(request.owner), request.reason, call
            )
            return pb.UpdateEntryResponse(
                entry=entry_message(entry),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (account.participant, "ENTRIES_UPDATE")
        )

    async def DeleteEntry(
        self, request: pb.DeleteEntryRequest, context: Context
    ) -> pb.DeleteEntryResponse:
        def work(receipt: Receipt) -> pb.DeleteEntryResponse:
            call = Call("DeleteEntry", request.participant, x_request_id=receipt.x_request_id)
            self._entries.delete(request.key, request.reason, call)
            return pb.DeleteEntryResponse(
                key=request.key,
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(
            context, request, work, (request.participant, "ENTRIES_WRITE")
        )
