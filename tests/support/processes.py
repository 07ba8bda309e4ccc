"""Processes of ours under test: started, asked for readiness, stopped, killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 40.0
POLL_SECONDS = 0.05


@dataclass
class OwnProcess:
    """A running process and where it says that it is ready."""

    module: str
    process: "subprocess.Popen[bytes]"
    address: str
    grpc: bool
    log: Path
    output: IO[bytes]

    def wait_ready(self) -> None:
        """Waits for readiness; its last lines in the error if it ends or takes too long."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._grpc_ready() if self.grpc else self._http_ready():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(POLL_SECONDS)
        raise AssertionError(f"{self.module} is not ready:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS_MAX)
        self.output.close()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.module} did not stop:\n{self.tail()}") from None
        finally:
            self.output.close()

    def tail(self) -> str:
        """The last 40 lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def metrics(self) -> dict[str, float]:
        """Its metrics by name, with their labels as they are exposed."""
        text = httpx.get(f"http://{self.address}/metrics", timeout=5, trust_env=False).text
        lines = [line.rsplit(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, value in lines}

    def _http_ready(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def _grpc_ready(self) -> bool:
        options = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
        with grpc.insecure_channel(self.address, options=options) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=5
                )
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def start_process(
    module: str, environment: Mapping[str, str], log: Path, *, grpc: bool
) -> OwnProcess:
    """Starts `python -m module`; its output goes to `log`."""
    output = log.open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    address = environment["BRIDGE_SIMULATOR_ADDRESS" if grpc else "DICT_PROBE_ADDRESS"]
    return OwnProcess(module, process, address, grpc, log, output)


def free_address() -> str:
    """A loopback address that nothing listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"
