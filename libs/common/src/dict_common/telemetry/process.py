"""The frame of every process: signals, logs, probes, one clean way out.

Exit status: 0 asked to stop and stopped · 1 failed · 78 settings cannot work (EX_CONFIG).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from dict_common.kernel.errors import ConfigurationInvalid, Unavailable
from dict_common.kernel.stopping import stopped_within
from dict_common.telemetry.logs import configure_logs, logger
from dict_common.telemetry.probes import Health, ProbeServer
from dict_common.telemetry.traces import configure_traces

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_CONFIGURATION = 78
RESTART_SECONDS_MIN = 0.5
RESTART_SECONDS_MAX = 10.0

_log = logger(__name__)


@dataclass(frozen=True)
class ProcessFrame:
    """What a process needs around its work."""

    name: str
    """`service.name`, with the role: `claim-orchestrator-relay`."""
    log_level: str
    probe_address: str
    trace_file: Path | None


Work = Callable[[asyncio.Event, Health], Awaitable[None]]
"""Runs until the event is set (SIGTERM or SIGINT), then finishes what it holds and returns."""


def run_process(frame: Callable[[], ProcessFrame], work: Work) -> None:
    """Runs the work and leaves the interpreter with its exit status. Never returns.

    The last step is `os._exit`: native clients (Pulsar, Temporal) may abort while the interpreter
    tears itself down, and an abort would hide how the work ended. Everything was closed before.
    """
    try:
        described = frame()
    except ConfigurationInvalid as error:
        sys.stderr.write(f"{error.reason_code}: {error.detail}\n")
        _leave(EXIT_CONFIGURATION)
    configure_logs(described.name, described.log_level)
    provider = configure_traces(described.name, described.trace_file)
    status = EXIT_FAILED
    try:
        asyncio.run(_framed(described, work))
        status = EXIT_OK
    except ConfigurationInvalid as error:
        _log.error("configuration-invalid", reason=error.reason_code, detail=error.detail)
        status = EXIT_CONFIGURATION
    except Exception:  # noqa: BLE001 whatever ended the work ends in the log and the exit status
        _log.exception("process-failed")
    finally:
        provider.shutdown()
        _leave(status)


async def _framed(frame: ProcessFrame, work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    health = Health(checks={})
    probes = ProbeServer(health, frame.probe_address)
    probes.start()
    _log.info("process-starting", probes=probes.address, pid=os.getpid())
    try:
        await _until_stopped(work, stop, health)
        _log.info("process-stopped")
    finally:
        health.stopping = True
        await probes.close()


async def _until_stopped(work: Work, stop: asyncio.Event, health: Health) -> None:
    """Runs the work, and runs it anew when a server it needs was away: waiting beats dying."""
    wait_seconds = RESTART_SECONDS_MIN
    while not stop.is_set():
        begun = asyncio.get_running_loop().time()
        try:
            return await work(stop, health)
        except Unavailable as error:
            health.started = False
            _log.warning("server-away", reason=error.reason_code, detail=error.detail)
        if asyncio.get_running_loop().time() - begun > RESTART_SECONDS_MAX:
            wait_seconds = RESTART_SECONDS_MIN
        await stopped_within(stop, wait_seconds)
        wait_seconds = min(RESTART_SECONDS_MAX, wait_seconds * 2)
    return None


def _leave(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
