"""Both services of a simulator over gRPC on loopback, in this process."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from bridge_simulator.messages import account_message, owner_message
from bridge_simulator.server import RunningServer
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    PHONE,
    DictWorld,
    account,
)

if TYPE_CHECKING:  # these names stand in the typing stubs alone
    from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeAsyncStub
    from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlAsyncStub

CALL_SECONDS = 10.0


@dataclass
class Line:
    """Both services of a simulator, and the world behind it."""

    world: DictWorld
    running: RunningServer
    channel: grpc.aio.Channel
    bridge: "BridgeAsyncStub"
    control: "SimulatorControlAsyncStub"

    async def seed(self) -> control_pb2.SeedEntryResponse:
        """João's phone at the donor's participant."""
        entry = pb.Entry(
            key=PHONE,
            key_type="PHONE",
            account=account_message(account(DONOR_ISPB)),
            owner=owner_message(JOAO),
        )
        return await self.control.SeedEntry(control_pb2.SeedEntryRequest(entry=entry))

    async def open(self) -> pb.Claim:
        """João's claim on his phone."""
        await self.seed()
        return (await self.bridge.CreateClaim(order(), timeout=CALL_SECONDS)).claim

    async def act(
        self, claim_id: str, action: str, reason: str = "", participant: str = DONOR_ISPB
    ) -> pb.Claim:
        """The donor's participant acts, or another one."""
        request = control_pb2.ActOnClaimRequest(
            claim_id=claim_id, participant=participant, action=action, reason=reason
        )
        return (await self.control.ActOnClaim(request)).claim

    async def get(self, claim_id: str) -> pb.Claim:
        """As the claimer's participant sees it."""
        request = pb.GetClaimRequest(claim_id=claim_id, requesting_participant=CLAIMER_ISPB)
        return (await self.bridge.GetClaim(request, timeout=CALL_SECONDS)).claim

    async def plan(self, *faults: control_pb2.Fault) -> None:
        """The faults from now on."""
        await self.control.SetFaults(control_pb2.SetFaultsRequest(faults=faults))

    async def fired(self) -> list[int]:
        """How often each fault has fired."""
        answer = await self.control.ListFaults(control_pb2.ListFaultsRequest())
        return [state.fired for state in answer.faults]

    async def operations(self) -> list[control_pb2.Operation]:
        """The ledger."""
        answer = await self.control.ListOperations(control_pb2.ListOperationsRequest())
        return list(answer.operations)


def order(key: str = PHONE) -> pb.CreateClaimRequest:
    """João wants his phone at the claimer's participant."""
    return pb.CreateClaimRequest(
        type="PORTABILITY",
        key=key,
        key_type="PHONE",
        claimer_account=account_message(account(CLAIMER_ISPB)),
        claimer=owner_message(JOAO),
    )


def problem_of(error: grpc.aio.AioRpcError) -> pb.Problem:
    """The document behind a refusal."""
    found = dict(error.trailing_metadata() or ())["dict-problem-bin"]
    assert isinstance(found, bytes)
    return pb.Problem.FromString(found)


def has_problem(error: grpc.aio.AioRpcError) -> bool:
    """DICT has answered at all."""
    return "dict-problem-bin" in dict(error.trailing_metadata() or ())
