"""The one list of our own processes. `up`, `status`, `logs` and the member-list test read it."""

from dataclasses import dataclass, field
from typing import Literal

BRIDGE_SIMULATOR = "bridge-simulator"


@dataclass(frozen=True)
class OwnProcess:
    """One process of a member of this repository, started as `python -m <module>`.

    `answers` is how it says that it is ready: GET /readyz on DICT_PROBE_ADDRESS, or gRPC's health
    service on its address. Values of `environment` may name `{address}`, its own address, and
    `{data}`, the stack's data folder.
    """

    name: str
    module: str
    answers: Literal["http", "grpc"] = "http"
    environment: tuple[tuple[str, str], ...] = field(default=())


PROCESSES = (
    OwnProcess(
        BRIDGE_SIMULATOR,
        "bridge_simulator",
        answers="grpc",
        environment=(
            ("BRIDGE_SIMULATOR_ADDRESS", "{address}"),
            ("BRIDGE_SIMULATOR_STATE", "{data}/bridge-simulator.db"),
        ),
    ),
    OwnProcess("claim-orchestrator-consumer", "claim_orchestrator.entrypoints.consumer"),
    OwnProcess("claim-orchestrator-worker", "claim_orchestrator.entrypoints.worker"),
    OwnProcess("claim-orchestrator-relay", "claim_orchestrator.entrypoints.relay"),
    OwnProcess("vsync-consumer", "vsync.entrypoints.consumer"),
    OwnProcess("vsync-worker", "vsync.entrypoints.worker"),
    OwnProcess("vsync-relay", "vsync.entrypoints.relay"),
    OwnProcess("audit-sink", "audit_sink.entrypoints.sink"),
    OwnProcess("audit-sink-consumer", "audit_sink.entrypoints.consumer"),
    OwnProcess("audit-sink-relay", "audit_sink.entrypoints.relay"),
    OwnProcess("audit-sink-replayer", "audit_sink.entrypoints.replayer"),
)
