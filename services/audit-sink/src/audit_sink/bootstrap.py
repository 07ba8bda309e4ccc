"""The one door: settings in, adapters out. The sink, the desk and its relay are built here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pulsar.asyncio

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.export_file import export_file
from audit_sink.adapters.partition_gauges import PartitionGauges
from audit_sink.adapters.postgres_audit_search import PostgresAuditSearch
from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.adapters.postgres_homecoming import homecoming
from audit_sink.adapters.postgres_letter_actions import PostgresLetterActions
from audit_sink.adapters.postgres_partitions import PostgresPartitions
from audit_sink.adapters.pulsar_event_source import PulsarEventSource
from audit_sink.adapters.pulsar_letters import PulsarLetters
from audit_sink.adapters.steady_pace import SteadyPace
from audit_sink.application.audit_search import AuditSearch
from audit_sink.application.dead_letter_desk import SOURCE, DeadLetterDesk, DeskRules
from audit_sink.application.dead_letter_window import DeadLetterLimit, DeadLetterWindow
from audit_sink.application.export import ExportFile, Format
from audit_sink.application.keep_months import KeepMonths
from audit_sink.application.partitions import Homecoming, PartitionsList
from audit_sink.application.write_batch import WriteBatch
from audit_sink.settings import Settings
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.bus.redrive import BuriedAgain, original
from dict_common.intake.operators import OperatorDoor
from dict_common.intake.refusals import Refusals, Rejections
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from dict_common.ports.outgoing import EventSender
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize, open_connection
from dict_common.store.relay import Relay
from dict_common.telemetry.process import ProcessFrame
from dict_schemas.topics import dead_letter_services

SERVICE = "audit-sink"
ROLE = "audit_sink"
POOL = PoolSize(2, 4)
READER = "operator_ro"
SESSION = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"}
"""A sink that hangs inside its transaction holds the chain's lock: the others wait no longer."""
MAINTAINER = "audit_maintainer"
DESK = "audit-desk"
"""Takes operators' requests: a service of its own to topics and database, so that the sink's role
keeps nothing but INSERT and whoever takes requests cannot touch the audit."""
DESK_ROLE = "audit_desk"
DESK_POOL = PoolSize(1, 5)


def frame(name: str = SERVICE) -> ProcessFrame:
    """Name, log level and probes. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    return ProcessFrame(name, shared.log_level, shared.probe_address, shared.trace_file)


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
        source = PulsarEventSource(shared.pulsar_url, shared.pulsar_tenant)
        stack.push_async_callback(source.close)
        await source.open()
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
        )


@asynccontextmanager
async def _database_as(role: str) -> AsyncIterator[Database]:
    """One connection, for a verb of dictctl. Raises Unavailable."""
    database = await Database.open(read_settings(SharedSettings).postgres_url, role, PoolSize(1, 1))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_reader() -> AsyncIterator[AuditSearch]:
    """The audit as `operator_ro` sees it, for the verbs of dictctl. Raises Unavailable."""
    async with _database_as(READER) as database:
        yield PostgresAuditSearch(database)


@asynccontextmanager
async def open_export(
    path: Path, format_: Format, *, force: bool
) -> AsyncIterator[tuple[AuditSearch, ExportFile]]:
    """The audit, and a file that is there only if it was ended. Raises Unavailable."""
    with export_file(path, format_, force=force) as file:
        async with open_reader() as audit:
            yield audit, file


@asynccontextmanager
async def open_partitions() -> AsyncIterator[PartitionsList]:
    """The months, as `audit_maintainer` may see and make them. Raises Unavailable."""
    async with _database_as(MAINTAINER) as database:
        yield PostgresPartitions(database)


@asynccontextmanager
async def open_homecoming() -> AsyncIterator[Homecoming]:
    """One transaction of `audit_maintainer`, undone by any error. Raises Unavailable."""
    async with homecoming(read_settings(SharedSettings).postgres_url, MAINTAINER) as made:
        yield made


@dataclass(frozen=True)
class DeskAdapters:
    """What the desk works with. `operators`: the door for the verbs about dead letters."""

    shared: SharedSettings
    database: Database
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    rest: TinkRestSealer
    actions: PostgresLetterActions
    operators: OperatorDoor
    refuse: Refusals


@asynccontextmanager
async def open_desk(stop: asyncio.Event) -> AsyncIterator[DeskAdapters]:
    """Everything of the desk, closed at the end; a redrive under way pauses at `stop`.

    Raises Unavailable, ConfigurationInvalid.
    """
    shared, own = read_settings(SharedSettings), read_settings(Settings)
    keysets = KeysetFolder(shared.keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, DESK_ROLE, DESK_POOL)
        stack.push_async_callback(database.close)
        client = connect_pulsar(shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        actions = PostgresLetterActions(database)
        composer = SealingComposer(AvroCodec(), None, HybridSealer(keysets.public("core-public")))
        desk = DeadLetterDesk(
            actions,
            PulsarLetters(client, shared.pulsar_tenant, rest),
            composer,
            SteadyPace(stop),
            DeskRules(dead_letter_services(), own.redrive_per_second),
        )
        tokens = JwtOperatorTokens(keysets.public("operator-issuer-public"), own.operator_issuer)
        yield DeskAdapters(
            shared=shared,
            database=database,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            rest=rest,
            actions=actions,
            operators=OperatorDoor(actions, tokens, desk),
            refuse=Refusals(actions, Rejections(composer, SOURCE), SystemClock()),
        )


def open_relay() -> Relay:
    """The desk's relay; it opens what it needs turn by turn. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)

    def open_sender(producer_name: str) -> EventSender:
        return PulsarEventSender(shared.pulsar_url, shared.pulsar_tenant, producer_name)

    return Relay(DESK_ROLE, lambda: open_connection(shared.postgres_url, DESK_ROLE), open_sender)
