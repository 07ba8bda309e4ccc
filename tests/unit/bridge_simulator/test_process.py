"""`python -m bridge_simulator` as a process: kill -9, restart, stop, wrong environment."""

import os
import selectors
import signal
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


def _environment(state: Path) -> dict[str, str]:
    own = {"BRIDGE_SIMULATOR_STATE": str(state), "BRIDGE_SIMULATOR_ADDRESS": "127.0.0.1:0"}
    return os.environ | own


@contextmanager
def _simulator(state: Path, log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running simulator and its port; killed at the end if it still runs."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            COMMAND, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment(state)
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


def _seed(channel: grpc.Channel) -> None:
    entry = pb.Entry(
        key=PHONE,
        key_type="PHONE",
        account=account_message(account(DONOR_ISPB)),
        owner=owner_message(JOAO),
    )
    SimulatorControlStub(channel).SeedEntry(
        control.SeedEntryRequest(entry=entry), timeout=CALL_SECONDS
    )


def _open_claim(channel: grpc.Channel) -> pb.Claim:
    request = pb.CreateClaimRequest(
        type="PORTABILITY",
        key=PHONE,
        key_type="PHONE",
        claimer_account=account_message(account(CLAIMER_ISPB)),
        claimer=owner_message(JOAO),
    )
    return BridgeStub(channel).CreateClaim(request, timeout=CALL_SECONDS).claim


def _act(channel: grpc.Channel, claim: pb.Claim, action: str, reason: str = "") -> None:
    SimulatorControlStub(channel).ActOnClaim(
        control.ActOnClaimRequest(
            claim_id=claim.id, participant=DONOR_ISPB, action=action, reason=reason
        ),
        timeout=CALL_SECONDS,
    )


def _complete(channel: grpc.Channel, claim: pb.Claim) -> pb.Claim:
    request = pb.CompleteClaimRequest(
        claim_id=claim.id, participant=CLAIMER_ISPB, request_id=request_id(1)
    )
    return BridgeStub(channel).CompleteClaim(request, timeout=CALL_SECONDS).claim


def _ledger(channel: grpc.Channel) -> list[tuple[int, str, bool]]:
    answer = SimulatorControlStub(channel).ListOperations(
        control.ListOperationsRequest(), timeout=CALL_SECONDS
    )
    return [(row.sequence, row.operation, row.effective) for row in answer.operations]


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    with _simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            _seed(channel)
            claim = _open_claim(channel)
            _act(channel, claim, "ACKNOWLEDGE")
            _act(channel, claim, "CONFIRM", "USER_REQUESTED")
            completed = _complete(channel, claim)
        process.kill()
    with (
        _simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert _complete(channel, claim) == completed
        assert _ledger(channel) == [
            (1, "CreateEntry", True),
            (2, "CreateClaim", True),
            (3, "AcknowledgeClaim", True),
            (4, "ConfirmClaim", True),
            (5, "CompleteClaim", True),
            (6, "CompleteClaim", False),
        ]
    assert state.stat().st_mode & 0o077 == 0, "personal data in clear: for this user's eyes only"
    words = log.read_text(encoding="utf-8")
    assert "answered OK" in words
    personal = (PHONE, PHONE[3:], JOAO.name, JOAO.tax_id_number, "0007654321")
    assert [value for value in personal if value in words] == []


def test_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    with _simulator(tmp_path / "dict.db", tmp_path / "log") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0


def _refused(environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a simulator that cannot start."""
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        env=environment,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr


def test_two_on_one_state_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "dict.db"
    with _simulator(state, tmp_path / "log"):
        code, words = _refused(_environment(state))
    assert code == 1
    assert "database is locked. Stop the simulator that uses it" in words


def test_a_state_that_cannot_be_is_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_text("this is no database, and long enough for one to tell\n" * 100)
    for state in (junk, tmp_path / "nowhere" / "dict.db"):
        code, words = _refused(_environment(state))
        assert code == 1
        assert f"bridge-simulator: {state}: " in words
        assert "Traceback" not in words
        assert "BRIDGE_SIMULATOR_STATE" in words


def test_a_wrong_environment_is_a_usage_error(tmp_path: Path) -> None:
    wrong = _environment(tmp_path / "dict.db") | {"BRIDGE_SIMULATOR_ADDRESS": "0.0.0.0:0"}
    code, words = _refused(wrong)
    assert code == 2
    assert "BRIDGE_SIMULATOR_BEYOND_LOOPBACK=yes" in words
