"""Faults, outage and script of a simulator that is killed and started again."""

from pathlib import Path

import grpc
import pytest

from bridge_simulator.store import Store
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeStub
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as control
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlStub
from tests.support.waiting import until
from tests.unit.bridge_simulator.dict_line import order
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, PHONE
from tests.unit.bridge_simulator.simulator_process import (
    CALL_SECONDS,
    DEADLINE_SECONDS,
    ledger,
    open_claim,
    seed,
    simulator,
)

HOUR_MS = 3_600_000


def _plan(channel: grpc.Channel, *faults: control.Fault) -> None:
    SimulatorControlStub(channel).SetFaults(
        control.SetFaultsRequest(faults=faults), timeout=CALL_SECONDS
    )


def _listed(channel: grpc.Channel) -> control.ListFaultsResponse:
    return SimulatorControlStub(channel).ListFaults(
        control.ListFaultsRequest(), timeout=CALL_SECONDS
    )


def _let_an_hour_pass(state: Path) -> None:
    """For the acts in the file of a dead simulator: nobody can turn the machine's clock."""
    store = Store(str(state))
    with store.transaction() as db:
        db.execute("UPDATE acts SET due_us = due_us - ? * 1000", (HOUR_MS,))
    store.close()


def _get(channel: grpc.Channel, claim_id: str) -> pb.Claim:
    request = pb.GetClaimRequest(claim_id=claim_id, requesting_participant=CLAIMER_ISPB)
    return BridgeStub(channel).GetClaim(request, timeout=CALL_SECONDS).claim


def test_kill_9_keeps_plan_counters_and_outage(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    conflict = control.Fault(
        operation="CreateClaim", times=2, problem=control.InjectedProblem(type="ResourceConflict")
    )
    with simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            seed(channel)
            _plan(channel, conflict)
            with pytest.raises(grpc.RpcError, match="ResourceConflict"):
                open_claim(channel)
            SimulatorControlStub(channel).SetOutage(
                control.SetOutageRequest(on=True), timeout=CALL_SECONDS
            )
        process.kill()
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        listed = _listed(channel)
        assert listed.outage
        assert list(listed.faults) == [control.FaultState(fault=conflict, seen=1, fired=1)]
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            open_claim(channel)
        SimulatorControlStub(channel).SetOutage(control.SetOutageRequest(), timeout=CALL_SECONDS)
        with pytest.raises(grpc.RpcError, match="ResourceConflict"):
            open_claim(channel)
        assert open_claim(channel).status == "OPEN"


async def test_killed_while_a_fault_holds_the_answer_back(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    with (
        simulator(state, log) as (process, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        seed(channel)
        _plan(channel, control.Fault(operation="CreateClaim", times=1, silence_after=True))
        call = BridgeStub(channel).CreateClaim.future(order())

        async def effect() -> bool:
            return (2, "CreateClaim", True) in ledger(channel)

        await until(effect, "the claim is open")
        assert not call.done()
        process.kill()
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            call.result(DEADLINE_SECONDS)
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert _listed(channel).faults[0].fired == 1
        with pytest.raises(grpc.RpcError, match="ClaimAlreadyExistsForKey"):
            open_claim(channel)


async def test_what_was_due_while_it_was_dead_is_done_at_once_and_once(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    acts = [
        control.Act(key=PHONE, action="ACKNOWLEDGE"),
        control.Act(key=PHONE, action="CONFIRM", reason="USER_REQUESTED", after_ms=HOUR_MS),
    ]
    with simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            seed(channel)
            SimulatorControlStub(channel).SetScript(
                control.SetScriptRequest(acts=acts), timeout=CALL_SECONDS
            )
            claim = open_claim(channel)

            async def acknowledged() -> bool:
                return _get(channel, claim.id).status == "WAITING_RESOLUTION"

            await until(acknowledged, "the donor acknowledges")
        process.kill()
    _let_an_hour_pass(state)
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):

        async def confirmed() -> bool:
            return _get(channel, claim.id).status == "CONFIRMED"

        await until(confirmed, "the donor confirms")
        assert ledger(channel) == [
            (1, "CreateEntry", True),
            (2, "CreateClaim", True),
            (3, "AcknowledgeClaim", True),
            (4, "ConfirmClaim", True),
        ]
    words = log.read_text(encoding="utf-8")
    assert "CONFIRM: done" in words
    assert PHONE not in words


def test_kill_9_keeps_what_goes_wrong_with_files(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    fault = control.CidFileFault(times=2, downloads_not_found=1)
    with simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            SimulatorControlStub(channel).SetCidFileFaults(
                control.SetCidFileFaultsRequest(faults=[fault]), timeout=CALL_SECONDS
            )
            asked = BridgeStub(channel).RequestCidFile(
                pb.RequestCidFileRequest(participant=DONOR_ISPB, key_type="PHONE"),
                timeout=CALL_SECONDS,
            )
        process.kill()
    store = Store(str(state))
    with store.transaction() as db:
        db.execute("UPDATE cid_files SET requested_us = requested_us - ? * 1000", (HOUR_MS,))
    store.close()
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        listed = SimulatorControlStub(channel).ListCidFileFaults(
            control.ListCidFileFaultsRequest(), timeout=CALL_SECONDS
        )
        assert list(listed.faults) == [control.CidFileFaultState(fault=fault, seen=1, fired=1)]
        who = {"id": asked.cid_file.id, "requesting_participant": DONOR_ISPB}
        bridge = BridgeStub(channel)
        got = bridge.GetCidFile(pb.GetCidFileRequest(**who), timeout=CALL_SECONDS)
        assert got.cid_file.status == "AVAILABLE"
        with pytest.raises(grpc.RpcError, match="NotFound"):
            list(bridge.DownloadCidFile(pb.DownloadCidFileRequest(**who), timeout=CALL_SECONDS))
        assert not list(
            bridge.DownloadCidFile(pb.DownloadCidFileRequest(**who), timeout=CALL_SECONDS)
        )
