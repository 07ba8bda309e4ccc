"""What every process shares: its frame, and a database as one of the roles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize
from dict_common.telemetry.process import ProcessFrame

SERVICE = "audit-sink"
SESSION = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"}
"""Whoever hangs inside its transaction holds the chain's lock: the others wait no longer."""


def frame(name: str) -> ProcessFrame:
    """Name, log level and probes of a process. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    return ProcessFrame(name, shared.log_level, shared.probe_address, shared.trace_file)


@asynccontextmanager
async def database_as(role: str) -> AsyncIterator[Database]:
    """One connection, for a verb of dictctl. Raises Unavailable."""
    database = await Database.open(read_settings(SharedSettings).postgres_url, role, PoolSize(1, 1))
    try:
        yield database
    finally:
        await database.close()
