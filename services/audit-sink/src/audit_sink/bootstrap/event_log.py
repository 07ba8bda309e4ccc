"""Events to be read again, for the replayer and for verbs of dictctl."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from audit_sink.adapters.pulsar_event_log import PulsarEventLog
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings


@asynccontextmanager
async def open_log() -> AsyncIterator[PulsarEventLog]:
    """dict/events, to be read."""
    shared = read_settings(SharedSettings)
    log = PulsarEventLog(shared.pulsar_url, shared.pulsar_admin_url, shared.pulsar_tenant)
    try:
        yield log
    finally:
        await log.close()
