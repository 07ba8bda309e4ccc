"""A simulator in this process for every test that asks for a line to it."""

from collections.abc import AsyncIterator

import grpc
import pytest

from bridge_simulator.server import start_server
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeStub
from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlStub
from tests.unit.bridge_simulator.dict_line import Line
from tests.unit.bridge_simulator.dict_world import DictWorld


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """Its clock stands still until the test moves it."""
    world = DictWorld()
    running = await start_server(world.directory, "127.0.0.1", 0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield Line(world, running, channel, BridgeStub(channel), SimulatorControlStub(channel))
    await running.stop()
