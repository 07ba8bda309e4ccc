"""The relay, from outbox to topics: `python -m vsync.entrypoints.relay`."""

import asyncio

from dict_common.store.relay import run_relay
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from vsync.bootstrap.foundations import frame
from vsync.bootstrap.relay import open_relay


async def work(stop: asyncio.Event, health: Health) -> None:
    """Relays until asked to stop; ready while it is not halted."""
    await run_relay(open_relay(), stop, health)


if __name__ == "__main__":
    run_process(lambda: frame("relay"), work)
