"""`python -m bridge_simulator` as a process: kill -9, restart, stop, wrong environment."""

import signal
import subprocess
from pathlib import Path

import grpc

from tests.unit.bridge_simulator.dict_world import (
    JOAO,
    PHONE,
)
from tests.unit.bridge_simulator.simulator_process import (
    COMMAND,
    DEADLINE_SECONDS,
    act,
    complete,
    environment,
    ledger,
    open_claim,
    seed,
    simulator,
)


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    state, log = tmp_path / "dict.db", tmp_path / "log"
    with simulator(state, log) as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            seed(channel)
            claim = open_claim(channel)
            act(channel, claim, "ACKNOWLEDGE")
            act(channel, claim, "CONFIRM", "USER_REQUESTED")
            completed = complete(channel, claim)
        process.kill()
    with (
        simulator(state, log) as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert complete(channel, claim) == completed
        assert ledger(channel) == [
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
    with simulator(tmp_path / "dict.db", tmp_path / "log") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0


def _refused(variables: dict[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a simulator that cannot start."""
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        env=variables,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr


def test_two_on_one_state_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "dict.db"
    with simulator(state, tmp_path / "log"):
        code, words = _refused(environment(state))
    assert code == 1
    assert "database is locked. Stop the simulator that uses it" in words


def test_a_state_that_cannot_be_is_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_text("this is no database, and long enough for one to tell\n" * 100)
    for state in (junk, tmp_path / "nowhere" / "dict.db"):
        code, words = _refused(environment(state))
        assert code == 1
        assert f"bridge-simulator: {state}: " in words
        assert "Traceback" not in words
        assert "BRIDGE_SIMULATOR_STATE" in words


def test_a_wrong_environment_is_a_usage_error(tmp_path: Path) -> None:
    wrong = environment(tmp_path / "dict.db") | {"BRIDGE_SIMULATOR_ADDRESS": "0.0.0.0:0"}
    code, words = _refused(wrong)
    assert code == 2
    assert "BRIDGE_SIMULATOR_BEYOND_LOOPBACK=yes" in words
