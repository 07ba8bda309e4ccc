"""The desk's relay, from outbox to topics: `python -m audit_sink.entrypoints.relay`."""

import asyncio

from audit_sink.bootstrap import desk
from audit_sink.bootstrap.foundations import frame
from dict_common.store.relay import run_relay
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process


async def work(stop: asyncio.Event, health: Health) -> None:
    """Relays until asked to stop; ready while it is not halted."""
    await run_relay(desk.open_relay(), stop, health)


if __name__ == "__main__":
    run_process(lambda: frame("audit-sink-relay"), work)
