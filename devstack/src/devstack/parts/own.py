"""A process of ours as a part of the stack."""

import sys
from dataclasses import dataclass

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK
from devstack.processes import OwnProcess

ASK_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Own(Part):
    """The server as a part of the stack."""

    site: Site
    process: OwnProcess
    needs: tuple[str, ...] = ()
    ready_seconds: float = 120.0
    grace_seconds: float = 20.0

    @property
    def name(self) -> str:
        """As in the list of processes."""
        return self.process.name

    @property
    def port(self) -> int:
        """Of its probes; the simulator's is the Bridge's too."""
        return self.site.ports[self.name]

    def prepare(self) -> None:
        """Makes the data folder."""
        (self.site.run.root / "data").mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """The module in our own Python environment."""
        address = f"{LOOPBACK}:{self.port}"
        data = str(self.site.run.root / "data")
        extra = {
            key: value.format(address=address, data=data) for key, value in self.process.environment
        }
        probes = {"DICT_PROBE_ADDRESS": address} if self.process.answers == "http" else {}
        return Command(
            (sys.executable, "-m", self.process.module),
            {**self.site.environment, **probes, **extra, "PYTHONUNBUFFERED": "1"},
        )

    def probe(self) -> str | None:
        """GET /readyz, or gRPC's health service."""
        if self.process.answers == "grpc":
            return self._probe_grpc()
        url = f"http://{LOOPBACK}:{self.port}/readyz"
        try:
            answer = httpx.get(url, timeout=ASK_TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError as problem:
            return f"does not answer: {problem}"
        if answer.status_code == httpx.codes.OK:
            return None
        return f"is not ready: {answer.status_code} {answer.text[:200]}"

    def _probe_grpc(self) -> str | None:
        options = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
        with grpc.insecure_channel(f"{LOOPBACK}:{self.port}", options=options) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=ASK_TIMEOUT_SECONDS
                )
            except grpc.RpcError as problem:
                return f"does not answer: {problem.code().name}"
        serving = answer.status == health_pb2.HealthCheckResponse.SERVING
        return None if serving else f"health: {answer.status}"
