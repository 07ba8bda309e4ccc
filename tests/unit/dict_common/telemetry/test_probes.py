"""Probes answer by what the process says of itself; its frame ends it with a status that tells."""

import signal
import subprocess
import sys

import httpx
import pytest

from dict_common.telemetry.probes import Health, probe_app


async def fine() -> None:
    """A check that passes."""


async def broken() -> None:
    """A check that fails."""
    raise ConnectionError


def client(health: Health) -> httpx.AsyncClient:
    """Asks the app without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(probe_app(health)), base_url="http://t")


@pytest.mark.parametrize(
    ("health", "live", "ready", "started"),
    [
        (Health({}), 200, 503, 503),
        (Health({"db": fine}, started=True), 200, 200, 200),
        (Health({"db": broken}, started=True), 200, 503, 200),
        (Health({"db": fine}, started=True, stopping=True), 200, 503, 200),
        (Health({"db": fine}, started=True, fatal="lost"), 503, 200, 200),
    ],
)
async def test_probes(health: Health, live: int, ready: int, started: int) -> None:
    async with client(health) as asking:
        answers = [await asking.get(path) for path in ("/livez", "/readyz", "/startupz")]
        metrics = await asking.get("/metrics")
        other = await asking.get("/")
    assert [answer.status_code for answer in answers] == [live, ready, started]
    assert "dict_messages_settled" in metrics.text
    assert other.status_code == 404


async def test_failed_check_is_named_and_says_nothing_else() -> None:
    async with client(Health({"db": broken}, started=True)) as asking:
        answer = await asking.get("/readyz")
    assert answer.json() == {"ok": False, "db": "ConnectionError"}


PROGRAM = """
import asyncio, sys
from dict_common.kernel.errors import ConfigurationInvalid, Unavailable
from dict_common.telemetry.process import ProcessFrame, run_process
tries = []
async def work(stop, health):
    health.started = True
    match sys.argv[1]:
        case "stop":
            print("working", flush=True); await stop.wait()
        case "fail":
            raise RuntimeError("no")
        case "configuration":
            raise ConfigurationInvalid("keyset-missing", "set DICT_KEYS_DIR")
        case "away":
            tries.append(1)
            if len(tries) < 3:
                raise Unavailable("postgres-failed", "away")
            print("working", flush=True); await stop.wait()
def frame():
    if sys.argv[1] == "settings":
        raise ConfigurationInvalid("settings-invalid", "DICT_PULSAR_URL: missing")
    return ProcessFrame("test", "INFO", "127.0.0.1:0", None)
run_process(frame, work)
"""


def ended(how: str) -> tuple[int, str]:
    """Exit status and stderr of a process that ends so."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if how in ("stop", "away"):
            assert process.stdout is not None
            assert process.stdout.readline() == "working\n"
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("stop", 0, "process-stopped"),
        ("away", 0, "server-away"),
        ("fail", 1, "process-failed"),
        ("configuration", 78, "DICT_KEYS_DIR"),
        ("settings", 78, "DICT_PULSAR_URL"),
    ],
)
def test_exit_status_tells_how_it_ended(how: str, status: int, told: str) -> None:
    code, errors = ended(how)
    assert (code, told in errors) == (status, True), errors
