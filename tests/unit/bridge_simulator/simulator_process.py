"""A simulator as a process with a state file, and a claim's steps over its gRPC."""

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from bridge_simulator.messages import account_message, owner_message
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeStub
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as control
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlStub
from tests.unit.bridge_simulator.dict_line import order
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    PHONE,
    account,
    request_id,
)

DEADLINE_SECONDS = 30
CALL_SECONDS = 10
COMMAND = [sys.executable, "-m", "bridge_simulator"]


def environment(state: Path) -> dict[str, str]:
    """What a simulator with that state file is started with."""
    own = {"BRIDGE_SIMULATOR_STATE": str(state), "BRIDGE_SIMULATOR_ADDRESS": "127.0.0.1:0"}
    return os.environ | own


@contextmanager
def simulator(state: Path, log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running simulator and its port; killed at the end if it still runs."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            COMMAND, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(state)
        )
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(DEADLINE_SECONDS), "the simulator said nothing"
        yield process, int(process.stdout.readline().rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
        process.stdout.close()


def seed(channel: grpc.Channel) -> None:
    """João's phone at the donor's participant."""
    entry = pb.Entry(
        key=PHONE,
        key_type="PHONE",
        account=account_message(account(DONOR_ISPB)),
        owner=owner_message(JOAO),
    )
    SimulatorControlStub(channel).SeedEntry(
        control.SeedEntryRequest(entry=entry), timeout=CALL_SECONDS
    )


def open_claim(channel: grpc.Channel) -> pb.Claim:
    """João's claim on his phone."""
    return BridgeStub(channel).CreateClaim(order(), timeout=CALL_SECONDS).claim


def act(channel: grpc.Channel, claim: pb.Claim, action: str, reason: str = "") -> None:
    """The donor's participant acts."""
    SimulatorControlStub(channel).ActOnClaim(
        control.ActOnClaimRequest(
            claim_id=claim.id, participant=DONOR_ISPB, action=action, reason=reason
        ),
        timeout=CALL_SECONDS,
    )


def complete(channel: grpc.Channel, claim: pb.Claim) -> pb.Claim:
    """The claimer's participant completes, always with the same RequestId."""
    request = pb.CompleteClaimRequest(
        claim_id=claim.id, participant=CLAIMER_ISPB, request_id=request_id(1)
    )
    return BridgeStub(channel).CompleteClaim(request, timeout=CALL_SECONDS).claim


def ledger(channel: grpc.Channel) -> list[tuple[int, str, bool]]:
    """Sequence, operation, effective."""
    answer = SimulatorControlStub(channel).ListOperations(
        control.ListOperationsRequest(), timeout=CALL_SECONDS
    )
    return [(row.sequence, row.operation, row.effective) for row in answer.operations]
