"""The replayer: events read again, rows in. Nothing here can send: no producer, no outbox, no
dead letters, no Bridge; a test looks at what this module loads."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.postgres_replay_runs import PostgresReplayRuns
from audit_sink.adapters.pulsar_event_log import PulsarEventLog
from audit_sink.bootstrap.foundations import SESSION
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize

ROLE = "audit_replayer"
POOL = PoolSize(1, 4)


@dataclass(frozen=True)
class Adapters:
    """What the replayer works with."""

    database: Database
    runs: PostgresReplayRuns
    log: PulsarEventLog
    decoder: EventDecoder


@asynccontextmanager
async def open_adapters() -> AsyncIterator[Adapters]:
    """Everything, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, ROLE, POOL, SESSION)
        stack.push_async_callback(database.close)
        log = PulsarEventLog(shared.pulsar_url, shared.pulsar_admin_url, shared.pulsar_tenant)
        stack.push_async_callback(log.close)
        yield Adapters(
            database=database,
            runs=PostgresReplayRuns(database, new_id),
            log=log,
            decoder=EventDecoder(log.schemas, SystemClock()),
        )
