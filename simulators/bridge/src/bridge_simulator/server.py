"""The gRPC server: Bridge, control and health on one address."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from bridge_simulator import generated_rows
from bridge_simulator.bridge_servicer import SimulatedBridge
from bridge_simulator.buckets import Buckets
from bridge_simulator.control_servicer import SimulatorControl
from bridge_simulator.directory import Directory
from bridge_simulator.script import Script
from bridge_simulator.trouble import Trouble
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import add_BridgeServicer_to_server
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import (
    add_SimulatorControlServicer_to_server,
)

STOP_GRACE_SECONDS = 5
SERVICES = ("", "dict.bridge.v1.Bridge", "dict.simulator.v1.SimulatorControl")


class AddressInUse(Exception):
    """The address cannot be listened on."""


@dataclass(frozen=True)
class RunningServer:
    """A started server and the port that it got."""

    server: grpc.aio.Server
    health: health.aio.HealthServicer
    port: int
    tasks: "tuple[asyncio.Task[None], ...]"
    ending: asyncio.Event

    async def stop(self) -> None:
        """Says NOT_SERVING, ends what a fault holds up, lets calls end within the grace, stops."""
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.ending.set()
        await self.health.enter_graceful_shutdown()
        await self.server.stop(STOP_GRACE_SECONDS)


async def start_server(directory: Directory, host: str, port: int) -> RunningServer:
    """Serves until `stop`. Port 0 takes a free one. Raises AddressInUse."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    periods = directory.periods
    buckets, ending = Buckets(periods.day_seconds, periods.bucket_speed), asyncio.Event()
    bridge = SimulatedBridge(directory, buckets, Trouble(directory.store, ending))
    add_BridgeServicer_to_server(bridge, server)
    add_SimulatorControlServicer_to_server(SimulatorControl(directory, buckets), server)
    answers = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(answers, server)
    try:
        got = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise AddressInUse(
            f"cannot listen on {host}:{port}. Stop what listens there, or choose another port in "
            "BRIDGE_SIMULATOR_ADDRESS."
        ) from error
    with directory.store.transaction() as db:
        rebuilding = directory.generated.begin_rebuilding(generated_rows.all_sets(db))
    await server.start()
    for service in SERVICES:
        await answers.set(service, health_pb2.HealthCheckResponse.SERVING)
    script = asyncio.create_task(Script(directory).run())
    return RunningServer(server, answers, got, (script, rebuilding), ending)
