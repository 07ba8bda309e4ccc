"""`python -m bridge_simulator`: serves until SIGTERM or SIGINT, then ends with 0."""

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from uuid import uuid4

from bridge_simulator.directory import Directory
from bridge_simulator.periods import Periods
from bridge_simulator.server import AddressInUse, start_server
from bridge_simulator.settings import Settings, SettingsInvalid, settings_from
from bridge_simulator.store import StateUnusable, Store

EXIT_FAILED = 1
EXIT_USAGE = 2


def main() -> int:
    """The exit code: 0 stopped when told, 1 cannot run, 2 the environment is wrong."""
    try:
        settings = settings_from(os.environ)
        logging.basicConfig(
            level=settings.log_level,
            stream=sys.stderr,
            format="%(asctime)s %(levelname)s %(name)s %(message)s",
        )
        asyncio.run(_serve(settings))
    except SettingsInvalid as wrong:
        sys.stderr.write(f"bridge-simulator: {wrong}\n")
        return EXIT_USAGE
    except (AddressInUse, StateUnusable) as trouble:
        sys.stderr.write(f"bridge-simulator: {trouble}\n")
        return EXIT_FAILED
    return 0


async def _serve(settings: Settings) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    store = Store(settings.state)
    try:
        directory = Directory(
            store=store,
            clock=lambda: datetime.now(UTC),
            new_uuid=uuid4,
            periods=Periods(settings.day_seconds, settings.events_lag_ms, settings.bucket_speed),
            indirect=settings.indirect,
        )
        running = await start_server(directory, settings.host, settings.port)
        sys.stdout.write(f"bridge-simulator listens on {settings.host}:{running.port}\n")
        sys.stdout.flush()
        await told_to_stop.wait()
        await running.stop()
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
