"""A process of ours as a part of the stack."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK
from devstack.processes import OwnProcess

ASK_TIMEOUT_SECONDS = 5.0
CODE_ENDINGS = (".py", ".sql", ".avsc", ".yaml")


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
        traces = self.site.run.log(self.name).with_suffix(".traces.jsonl")
        ours = {"DICT_PROBE_ADDRESS": address, "DICT_TRACE_FILE": str(traces)}
        probes = ours if self.process.answers == "http" else {}
        return Command(
            (sys.executable, "-m", self.process.module),
            {**self.site.environment, **probes, **extra, "PYTHONUNBUFFERED": "1"},
            code=code_digest(self._code_folders()),
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

    def _code_folders(self) -> tuple[Path, ...]:
        """Of its own package and what all of ours stand on: after an edit, `up` starts it anew."""
        packages = (self.process.module.split(".", 1)[0], "dict_common")
        specs = [importlib.util.find_spec(package) for package in packages]
        found = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin]
        return (*found, self.site.repository / "schemas")

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


def code_digest(folders: Iterable[Path]) -> str:
    """Of all Python, SQL, Avro and YAML files below the folders: names and bytes."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in CODE_ENDINGS and path.is_file():
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
