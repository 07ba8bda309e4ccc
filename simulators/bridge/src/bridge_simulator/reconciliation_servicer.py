"""The reconciliation's part of the Bridge."""
# ruff: noqa: N802 - gRPC names the methods

from collections.abc import AsyncIterator, Iterator

from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.cid_files import CidFiles
from bridge_simulator.directory import Directory
from bridge_simulator.ledger import Call
from bridge_simulator.messages import (
    cid_event_message,
    cid_file_message,
    entry_message,
    instant,
    timestamp,
)
from bridge_simulator.reconciliation import EventsQuery, Reconciliation
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb

CHUNK_BYTES_MAX = 64 * 1024


class ReconciliationServicer:
    """Each method is Bacen's call of that name; refusals abort it with DICT's problem."""

    def __init__(self, answering: Answering, directory: Directory) -> None:
        self._answering = answering
        self._generated = directory.generated
        self._reconciliation = Reconciliation(directory)
        self._files = CidFiles(directory)

    async def CreateSyncVerification(
        self, request: pb.CreateSyncVerificationRequest, context: Context
    ) -> pb.CreateSyncVerificationResponse:
        def work(receipt: Receipt) -> pb.CreateSyncVerificationResponse:
            call = Call(
                "CreateSyncVerification", request.participant, x_request_id=receipt.x_request_id
            )
            verification_id, result = self._reconciliation.verify(
                call, request.key_type, request.participant_sync_verifier
            )
            return pb.CreateSyncVerificationResponse(
                id=verification_id,
                result=result,
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        policy = (request.participant, "SYNC_VERIFICATIONS_WRITE")
        return await self._answering.answer(context, request, work, policy)

    async def RequestCidFile(
        self, request: pb.RequestCidFileRequest, context: Context
    ) -> pb.RequestCidFileResponse:
        def work(receipt: Receipt) -> pb.RequestCidFileResponse:
            call = Call("RequestCidFile", request.participant, x_request_id=receipt.x_request_id)
            file = self._files.request(call, request.key_type)
            return pb.RequestCidFileResponse(
                cid_file=cid_file_message(file),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        policy = (request.participant, "CIDS_FILES_WRITE")
        return await self._answering.answer(context, request, work, policy)

    async def GetCidFile(
        self, request: pb.GetCidFileRequest, context: Context
    ) -> pb.GetCidFileResponse:
        def work(receipt: Receipt) -> pb.GetCidFileResponse:
            file = self._files.get(request.id, request.requesting_participant)
            return pb.GetCidFileResponse(
                cid_file=cid_file_message(file),
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        await self._generated.ready()
        policy = (request.requesting_participant, "CIDS_FILES_READ")
        return await self._answering.answer(context, request, work, policy)

    async def DownloadCidFile(
        self, request: pb.DownloadCidFileRequest, context: Context
    ) -> AsyncIterator[pb.DownloadCidFileResponse]:
        def work(receipt: Receipt) -> tuple[Iterator[bytes], Receipt]:
            return self._files.download(request.id, request.requesting_participant), receipt

        await self._generated.ready()
        content, receipt = await self._answering.answer(context, request, work)
        for chunk in _chunks(content):
            yield pb.DownloadCidFileResponse(
                chunk=chunk,
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

    async def ListCidEvents(
        self, request: pb.ListCidEventsRequest, context: Context
    ) -> pb.ListCidEventsResponse:
        query = EventsQuery(
            participant=request.participant,
            key_type=request.key_type,
            start_time=instant(request, "start_time"),
            end_time=instant(request, "end_time"),
            limit=request.limit if request.HasField("limit") else None,
        )

        def work(receipt: Receipt) -> pb.ListCidEventsResponse:
            page = self._reconciliation.list_events(query)
            return pb.ListCidEventsResponse(
                has_more_elements=page.has_more,
                start_time=timestamp(query.start_time),
                end_time=timestamp(query.end_time),
                sync_verifier_start=page.verifier_start,
                sync_verifier_end=page.verifier_end,
                cid_events=[cid_event_message(event) for event in page.events],
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        policy = (request.participant, "CIDS_EVENTS_LIST")
        return await self._answering.answer(context, request, work, policy)

    async def GetEntryByCid(
        self, request: pb.GetEntryByCidRequest, context: Context
    ) -> pb.GetEntryByCidResponse:
        def work(receipt: Receipt) -> pb.GetEntryByCidResponse:
            entry = self._reconciliation.entry_by_cid(request.cid, request.requesting_participant)
            return pb.GetEntryByCidResponse(
                cid=entry.cid,
                entry=entry_message(entry),
                request_id=entry.request_id,
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        await self._generated.ready()
        policy = (request.requesting_participant, "CIDS_ENTRIES_READ")
        return await self._answering.answer(context, request, work, policy)


def _chunks(content: Iterator[bytes]) -> Iterator[bytes]:
    """Cut without a look at the lines: nobody may rely on where a chunk ends."""
    waiting = bytearray()
    for piece in content:
        waiting += piece
        whole = len(waiting) - len(waiting) % CHUNK_BYTES_MAX
        for start in range(0, whole, CHUNK_BYTES_MAX):
            yield bytes(waiting[start : start + CHUNK_BYTES_MAX])
        del waiting[:whole]
    if waiting:
        yield bytes(waiting)
