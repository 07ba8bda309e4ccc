"""Half a message: a sender that is killed between two parts of it.

`python -m tests.support.half_message URL PARTITION SCHEMA` sends until it is killed.
"""

import asyncio
import sys
import threading

import pulsar

from dict_common.bus.backlog import open_admin
from dict_common.bus.schemas import Encoded
from tests.support.events import step_event
from tests.support.waiting import until
from tests.support.world import World

ADMIN_SECONDS = 60.0
BODY_BYTES = 128 * 1024 * 1024
RATE = {"publishThrottlingRateInMsg": 1, "publishThrottlingRateInByte": -1}
"""For the namespace: 26 parts take so long that the sender is killed between two."""


async def leave_half_a_message(world: World, topic: str) -> None:
    """On the first partition of an event topic; returns once nobody sends any more."""
    tenant, url = world.environment["DICT_PULSAR_TENANT"], world.environment["DICT_PULSAR_URL"]
    partition = f"{tenant}/events/{topic}-partition-0"
    rate, stats = f"namespaces/{tenant}/events/publishRate", f"persistent/{partition}/internalStats"
    base = world.environment["DICT_PULSAR_ADMIN_URL"].rstrip("/") + "/admin/v2/"
    async with open_admin(base, ADMIN_SECONDS) as admin:

        async def entries() -> int:
            answer = (await admin.get(stats)).raise_for_status()
            return int(answer.json()["numberOfEntries"])

        before = await entries()

        async def begun() -> bool:
            return await entries() > before

        (await admin.post(rate, json=RATE)).raise_for_status()
        command = (sys.executable, "-m", __name__, url, f"persistent://{partition}", topic)
        sender = await asyncio.create_subprocess_exec(*command)
        try:
            await until(begun, "a part of a message is there")
        finally:
            if sender.returncode is None:
                sender.kill()
            await sender.wait()
            (await admin.delete(rate)).raise_for_status()


def _send(url: str, partition: str, schema: str) -> None:
    client = pulsar.Client(url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    producer = client.create_producer(
        partition, schema=Encoded(schema), batching_enabled=False, chunking_enabled=True
    )
    properties = dict(step_event().properties)
    producer.send_async(bytes(BODY_BYTES), lambda *_: None, properties=properties)
    threading.Event().wait()


if __name__ == "__main__":
    _send(*sys.argv[1:])
