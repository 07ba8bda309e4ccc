"""The Bridge over gRPC passes the exam of its fake, and its ledger knows every call."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import grpc.aio
import pytest
import pytest_asyncio

from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.ports.directory import (
    CallContext,
    CallUnanswered,
    Directory,
    DirectoryUnreachable,
)
from dict_common.testing.directory_suite import CLAIMER, DirectorySuite, refusal, request_of_suite
from dict_common.testing.ledger import InMemoryRequestLedger
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.core import other_side
from tests.support.processes import free_address
from tests.support.world import World


class TestGrpcDirectory(DirectorySuite):
    """Over the simulator, a process of its own."""

    @pytest_asyncio.fixture(autouse=True, loop_scope="session")
    async def _simulator(self, tmp_path: Path) -> AsyncIterator[None]:
        address = free_address()
        environment = {"DICT_BRIDGE_ADDRESS": address, "BRIDGE_SIMULATOR_ADDRESS": address}
        self._world, self._ledger = World(environment, tmp_path), InMemoryRequestLedger()
        await asyncio.to_thread(self._world.start, "simulator")
        with other_side(self._world) as self._donor:
            await asyncio.to_thread(self._donor.seed)
            async with grpc.aio.insecure_channel(address) as self._channel:
                yield
        await asyncio.to_thread(self._world.end)

    async def directory(self) -> Directory:
        """Over one channel."""
        return GrpcDirectory(self._channel, self._ledger)

    async def confirm(self, claim_id: UUID) -> None:
        """As the donor would."""
        for action, reason in (("ACKNOWLEDGE", ""), ("CONFIRM", "USER_REQUESTED")):
            await asyncio.to_thread(self._donor.act, str(claim_id), action, reason)

    async def test_every_call_has_its_row(self) -> None:
        """Answered, refused or silent."""
        directory = await self.directory()
        claim = await self._opened(directory)
        assert {row.status for row in self._ledger.rows.values()} == {"SUCCESS"}
        await asyncio.to_thread(self._world.kill, "simulator")
        call = CallContext("claim-x:GetClaim:1")
        with pytest.raises(DirectoryUnreachable):
            await directory.get_claim(claim.id, CLAIMER, call)
        row = self._ledger.rows[call.request_id]
        assert (row.status, row.status_code) == ("TIMEOUT", None)

    async def test_unanswered_create_is_not_sent_again_without_a_look(self) -> None:
        """DICT would open a second claim, had the donor ended the first meanwhile."""
        directory, call = await self.directory(), CallContext("claim-x:CreateClaim:1")
        lost = control_pb2.Fault(operation="CreateClaim", times=1, cut_after=True)
        faults = control_pb2.SetFaultsRequest(faults=[lost])
        await asyncio.to_thread(self._donor.control.SetFaults, faults)
        with pytest.raises(DirectoryUnreachable):
            await directory.create_claim(request_of_suite(), call)
        with pytest.raises(CallUnanswered):
            await directory.create_claim(request_of_suite(), call)
        again = directory.create_claim(request_of_suite(), replace(call, looked=True))
        error = await refusal(again)
        assert (error.reason_code, error.after_unknown) == ("ClaimAlreadyExistsForKey", True)
        assert len(await asyncio.to_thread(self._donor.operations, "CreateClaim")) == 1
