"""Bacen over gRPC passes the exam of its fake, and its ledger knows every call."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc.aio
import pytest
import pytest_asyncio

from bridge_simulator.directory import Directory
from bridge_simulator.server import start_server
from bridge_simulator.store import IN_MEMORY, Store
from dict_common.bridge.bridge_caller import StreamLimits
from dict_common.ports.directory import CallContext, DirectoryUnreachable
from dict_common.testing.ledger import InMemoryRequestLedger
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeStub
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlStub
from tests.support.bacen_suite import (
    MINUTE,
    PARTICIPANT,
    PHONES,
    BacenSuite,
    call,
    downloaded,
    papers,
)
from vsync.adapters.bacen_messages import timestamp
from vsync.adapters.grpc_bacen import GrpcBacen
from vsync.application.bacen import Bacen
from vsync.application.entry_papers import EntryPapers

START = datetime(2026, 3, 2, 13, tzinfo=UTC)


class TestGrpcBacen(BacenSuite):
    """Over the simulator, whose clock stands until it is moved."""

    @pytest_asyncio.fixture(autouse=True, loop_scope="session")
    async def _simulator(self) -> AsyncIterator[None]:
        self._now, self._ledger = START, InMemoryRequestLedger()
        directory = Directory(Store(IN_MEMORY), lambda: self._now, uuid4)
        running = await start_server(directory, "127.0.0.1", 0)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as self._channel:
            self._control = SimulatorControlStub(self._channel)
            yield
        await running.stop()

    async def bacen(self) -> Bacen:
        """Over one channel."""
        return GrpcBacen(self._channel, self._ledger, StreamLimits(10.0, 0.5))

    async def add(self, entry: EntryPapers) -> None:
        """Through the back door."""
        values = entry.attributes
        account = pb.Account(
            participant=values.participant,
            branch=values.branch or None,
            account_number=values.account_number,
            account_type=values.account_type,
            opening_date=timestamp(START),
        )
        owner = pb.Owner(
            type="LEGAL_PERSON" if values.trade_name else "NATURAL_PERSON",
            tax_id_number=values.tax_id,
            name=values.name,
            trade_name=values.trade_name or None,
        )
        seeded = await self._control.SeedEntry(
            control_pb2.SeedEntryRequest(
                entry=pb.Entry(
                    key=values.key, key_type=values.key_type, account=account, owner=owner
                ),
                request_id=str(entry.request_id),
            )
        )
        assert seeded.cid == entry.cid.hex()

    async def remove(self, entry: EntryPapers) -> None:
        """As its holder."""
        await BridgeStub(self._channel).DeleteEntry(
            pb.DeleteEntryRequest(
                key=entry.attributes.key,
                participant=entry.attributes.participant,
                reason="USER_REQUESTED",
            )
        )

    def wait(self, seconds: float) -> None:
        """For the simulator."""
        self._now += timedelta(seconds=seconds)

    async def _orders(self) -> int:
        done = await self._control.ListOperations(
            control_pb2.ListOperationsRequest(effective_only=True)
        )
        return sum(it.operation == "RequestCidFile" for it in done.operations)

    async def _fault(self, operation: str, effect: str) -> None:
        plan: dict[str, Any] = {effect: True}
        fault = control_pb2.Fault(operation=operation, times=1, **plan)
        await self._control.SetFaults(control_pb2.SetFaultsRequest(faults=[fault]))

    async def test_an_answered_order_costs_one_token_whatever_crashes(self) -> None:
        bacen, same = await self.bacen(), call("vsync-x:RequestCidFile:1")
        for _ in range(3):
            await bacen.request_file(PHONES, same)
        assert await self._orders() == 1

    async def test_an_order_that_nobody_answered_is_repeated(self) -> None:
        bacen, same = await self.bacen(), call("vsync-x:RequestCidFile:1")
        await self._fault("RequestCidFile", "cut_after")
        with pytest.raises(DirectoryUnreachable):
            await bacen.request_file(PHONES, same)
        again = await bacen.request_file(PHONES, same)
        assert await bacen.request_file(PHONES, same) == again
        assert await self._orders() == 2

    async def _ready(self, bacen: Bacen) -> str:
        await self._added(1, 2, 3)
        ordered = await bacen.request_file(PHONES, call())
        self.wait(MINUTE)
        await bacen.file(ordered.id, PARTICIPANT, call())
        return ordered.id

    async def test_the_ledger_counts_a_download_and_holds_none_of_it(self) -> None:
        bacen, name = await self.bacen(), "vsync-x:DownloadCidFile:1"
        file_id = await self._ready(bacen)
        context = CallContext(name)
        pieces = [piece async for piece in bacen.download(file_id, PARTICIPANT, context)]
        row = self._ledger.rows[name]
        assert (row.status, row.status_code) == ("SUCCESS", 200)
        assert json.loads(row.answer or "") == {"bytes": len(b"".join(pieces))}
        async for _ in bacen.download(file_id, PARTICIPANT, context):
            break
        assert self._ledger.rows[name].status == "RETRYING"
        assert await downloaded(bacen, file_id) == b"".join(pieces)

    @pytest.mark.parametrize(
        ("effect", "code"), [("cut_before", "UNAVAILABLE"), ("silence_before", "IDLE")]
    )
    async def test_a_download_that_fails_has_no_answer(self, effect: str, code: str) -> None:
        bacen, name = await self.bacen(), "vsync-x:DownloadCidFile:1"
        file_id = await self._ready(bacen)
        await self._fault("DownloadCidFile", effect)
        with pytest.raises(DirectoryUnreachable, match=code):
            async for _ in bacen.download(file_id, PARTICIPANT, CallContext(name)):
                pass
        row = self._ledger.rows[name]
        assert (row.status, row.status_code, row.error_code) == ("TIMEOUT", None, code)

    async def test_every_call_has_its_row(self) -> None:
        bacen = await self.bacen()
        (one,) = await self._added(1)
        await bacen.verify(PHONES, one.cid, call("a"))
        await bacen.events(PHONES, None, 200, call("b"))
        await bacen.entry_by_cid(one.cid, PARTICIPANT, call("c"))
        await bacen.entry_by_cid(papers(2).cid, PARTICIPANT, call("d"))
        rows = {name: (row.operation, row.status) for name, row in self._ledger.rows.items()}
        assert rows == {
            "a": ("CreateSyncVerification", "SUCCESS"),
            "b": ("ListCidEvents", "SUCCESS"),
            "c": ("GetEntryByCid", "SUCCESS"),
            "d": ("GetEntryByCid", "FAILED"),
        }
