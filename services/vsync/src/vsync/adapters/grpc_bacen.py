"""Bacen's side of VSYNC at the Bridge over gRPC."""

from collections.abc import AsyncIterator
from datetime import datetime

import grpc.aio

from dict_common.bridge.bridge_caller import BridgeCaller, StreamLimits
from dict_common.ports.directory import CallContext, DirectoryRefused, RequestLedger
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from vsync.adapters.bacen_messages import (
    bacen_entry,
    cid_file,
    create_entry_request,
    log_page,
    require,
    response_time,
    timestamp,
)
from vsync.application.bacen import BacenEntry, CidFile
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid_events import LogPage
from vsync.domain.entry import EntrySet

DOWNLOAD = StreamLimits(whole_seconds_max=1_800.0, idle_seconds_max=30.0)
"""Five million CIDs are 325 MB: half an hour for them at 200 kB a second, and half a minute without
a byte is no download any more."""
NOT_FOUND = "NotFound"
_RESULTS = {"OK": True, "NOK": False}


class GrpcBacen:
    """Bacen over one gRPC channel. A set is asked for by its own participant."""

    def __init__(
        self, channel: grpc.aio.Channel, ledger: RequestLedger, download: StreamLimits = DOWNLOAD
    ) -> None:
        self._caller = BridgeCaller(channel, ledger)
        self._download = download

    async def verify(self, of: EntrySet, vsync: bytes, context: CallContext) -> bool:
        """createSyncVerification."""
        message = pb.CreateSyncVerificationRequest(
            participant=of.participant,
            key_type=of.key_type,
            participant_sync_verifier=vsync.hex(),
        )
        answered = await self._caller.answer(
            "CreateSyncVerification", message, pb.CreateSyncVerificationResponse, context
        )
        require(answered.result in _RESULTS, "a verification's result is OK or NOK")
        return _RESULTS[answered.result]

    async def request_file(self, of: EntrySet, context: CallContext) -> CidFile:
        """createCidSetFile. One that nobody answered may be ordered again under its request_id: it
        costs one token more at most."""
        message = pb.RequestCidFileRequest(participant=of.participant, key_type=of.key_type)
        answered = await self._caller.answer(
            "RequestCidFile", message, pb.RequestCidFileResponse, context
        )
        return cid_file(answered.cid_file)

    async def file(self, file_id: str, participant: str, context: CallContext) -> CidFile:
        """getCidSetFile."""
        message = pb.GetCidFileRequest(id=file_id, requesting_participant=participant)
        answered = await self._caller.answer("GetCidFile", message, pb.GetCidFileResponse, context)
        return cid_file(answered.cid_file)

    def download(
        self, file_id: str, participant: str, context: CallContext
    ) -> AsyncIterator[bytes]:
        """The file at its Url. What ends early raises DirectoryUnreachable, after some pieces."""
        message = pb.DownloadCidFileRequest(id=file_id, requesting_participant=participant)
        return self._caller.chunks("DownloadCidFile", message, context, self._download)

    async def events(
        self, of: EntrySet, since: datetime | None, limit: int, context: CallContext
    ) -> LogPage:
        """listCidSetEvents."""
        message = pb.ListCidEventsRequest(
            participant=of.participant,
            key_type=of.key_type,
            start_time=None if since is None else timestamp(since),
            limit=limit,
        )
        answered = await self._caller.answer(
            "ListCidEvents", message, pb.ListCidEventsResponse, context
        )
        return log_page(answered)

    async def entry_by_cid(
        self, cid: bytes, participant: str, context: CallContext
    ) -> BacenEntry | None:
        """getEntryByCid. Raises AnswerInvalid unless the CID that comes back, and the CID of the
        values that come with it, are both the one that was asked for."""
        message = pb.GetEntryByCidRequest(cid=cid.hex(), requesting_participant=participant)
        try:
            answered = await self._caller.answer(
                "GetEntryByCid", message, pb.GetEntryByCidResponse, context
            )
        except DirectoryRefused as error:
            if error.reason_code != NOT_FOUND:
                raise
            return None
        return bacen_entry(cid, answered)

    async def create_entry(self, papers: EntryPapers, context: CallContext) -> datetime:
        """createEntry, Reason RECONCILIATION."""
        answered = await self._caller.answer(
            "CreateEntry", create_entry_request(papers), pb.CreateEntryResponse, context
        )
        return response_time(answered)
