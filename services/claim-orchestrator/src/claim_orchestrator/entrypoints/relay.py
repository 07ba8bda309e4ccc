"""The relay, from outbox to topics: `python -m claim_orchestrator.entrypoints.relay`."""

import asyncio

from claim_orchestrator.bootstrap.foundations import frame
from claim_orchestrator.bootstrap.relay import open_relay
from dict_common.kernel.errors import DictError
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process


async def work(stop: asyncio.Event, health: Health) -> None:
    """Relays until asked to stop; ready while it is not halted."""
    relay = open_relay()

    async def not_halted() -> None:
        if relay.halted is not None:
            raise DictError("relay-halted", relay.halted)

    health.checks["relay"] = not_halted
    health.started = True
    await relay.run(stop)


if __name__ == "__main__":
    run_process(lambda: frame("relay"), work)
