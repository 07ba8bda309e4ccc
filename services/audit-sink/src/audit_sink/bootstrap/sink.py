"""The sink: events in, rows out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.lag_gauges import LagGauges
from audit_sink.adapters.partition_gauges import PartitionGauges
from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.adapters.postgres_partitions import PostgresPartitions
from audit_sink.adapters.pulsar_event_source import SUBSCRIPTION, PulsarEventSource
from audit_sink.application.dead_letter_window import DeadLetterLimit, DeadLetterWindow
from audit_sink.application.keep_months import KeepMonths
from audit_sink.application.write_batch import WriteBatch
from audit_sink.bootstrap.foundations import SERVICE, SESSION
from audit_sink.settings import Settings
from dict_common.bus.backlog import Backlogs, open_admin
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.redrive import BuriedAgain, original
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize

ROLE = "audit_sink"
ADMIN_SECONDS = 5.0
POOL = PoolSize(2, 4)


@dataclass(frozen=True)
class Adapters:
    """What the sink works with."""

    database: Database
    source: PulsarEventSource
    decoder: EventDecoder
    write: WriteBatch
    keep_months: KeepMonths
    window: DeadLetterWindow
    dead_letters: DeadLetters
    buried_again: BuriedAgain
    lag: LagGauges


@asynccontextmanager
async def open_adapters() -> AsyncIterator[Adapters]:
    """Everything, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    shared, own = read_settings(SharedSettings), read_settings(Settings)
    keysets = KeysetFolder(shared.keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, ROLE, POOL, SESSION)
        stack.push_async_callback(database.close)
        client = connect_pulsar(shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        source = PulsarEventSource(shared.pulsar_url, shared.pulsar_tenant, own.queue_messages)
        stack.push_async_callback(source.close)
        await source.open()
        admin = await stack.enter_async_context(open_admin(shared.pulsar_admin_url, ADMIN_SECONDS))
        store, clock = PostgresAuditStore(database), SystemClock()
        yield Adapters(
            database=database,
            source=source,
            decoder=EventDecoder(
                source.schemas, clock, lambda message: original(SERVICE, message, rest)
            ),
            write=WriteBatch(store, new_id),
            keep_months=KeepMonths(
                PostgresPartitions(database), clock, own.months_ahead, PartitionGauges()
            ),
            window=DeadLetterWindow(
                DeadLetterLimit(
                    own.dead_letters_max,
                    own.dead_letters_ratio_max,
                    own.dead_letters_window_seconds,
                )
            ),
            dead_letters=DeadLetters(client, shared.pulsar_tenant, SERVICE, rest),
            buried_again=BuriedAgain(client, shared.pulsar_tenant, SERVICE, rest),
            lag=LagGauges(
                Backlogs(admin),
                f"{shared.pulsar_tenant}/events",
                SUBSCRIPTION,
                clock,
                source.go_on,
            ),
        )
