"""A relay that kills itself: `python -m tests.support.relay_that_dies before|after N`.

Before its N-th send the rows are numbered and not sent; after it they are sent and not deleted.
"""

import asyncio
import os
import signal
import sys

from dict_common.bus.event_sender import PulsarEventSender
from dict_common.ports.outgoing import EventSender, NumberedEvent
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import open_connection
from dict_common.store.relay import Relay

ROLE = "claim_orchestrator"


class DyingSender:
    """EventSender that ends its process at the chosen send."""

    def __init__(self, sender: EventSender, when: str, sends: int) -> None:
        self._sender = sender
        self._when = when
        self._left = sends

    async def open(self, topic: str) -> int:
        """Passes on."""
        return await self._sender.open(topic)

    async def send(self, event: NumberedEvent) -> bool:
        """Sends, or dies before or after it."""
        self._left -= 1
        if self._left == 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        stored = await self._sender.send(event)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return stored

    async def close(self) -> None:
        """Passes on."""
        await self._sender.close()


async def main(when: str, sends: int) -> None:
    """Relays until it dies."""
    shared = read_settings(SharedSettings)

    def open_sender(producer_name: str) -> EventSender:
        sender = PulsarEventSender(shared.pulsar_url, shared.pulsar_tenant, producer_name)
        return DyingSender(sender, when, sends)

    relay = Relay(ROLE, lambda: open_connection(shared.postgres_url, ROLE), open_sender)
    await relay.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
