"""The consumer's adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pulsar.asyncio

from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.intake.refusals import Refusals, Rejections
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.application.report_entry import SOURCE, ReportEntry, Secrecy
from vsync.bootstrap.foundations import CONSUMER_POOL, ROLE, settings


@dataclass(frozen=True)
class ConsumerAdapters:
    """What the consumer works with."""

    shared: SharedSettings
    database: Database
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    rest: TinkRestSealer
    store: PostgresEntryStore
    report_entry: ReportEntry
    refuse: Refusals


@asynccontextmanager
async def open_consumer() -> AsyncIterator[ConsumerAdapters]:
    """Everything of the consumer, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    shared, own = settings()
    keysets = KeysetFolder(shared.keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, ROLE, CONSUMER_POOL)
        stack.push_async_callback(database.close)
        client = connect_pulsar(shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        store, clock = PostgresEntryStore(database), SystemClock()
        subjects = StoredSubjectSealer(
            PostgresSubjectKeyStore(database), keysets.private("kek"), rest, new_id
        )
        core = HybridSealer(keysets.public("core-public"))
        composer = SealingComposer(AvroCodec(), subjects, core)
        yield ConsumerAdapters(
            shared=shared,
            database=database,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            rest=rest,
            store=store,
            report_entry=ReportEntry(
                store, Secrecy(subjects, rest), composer, own.participants, clock
            ),
            refuse=Refusals(store, Rejections(composer, SOURCE), clock),
        )
