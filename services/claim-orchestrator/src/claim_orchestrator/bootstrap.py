"""The one door: settings in, adapters out. Each process is built from what it finds here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import grpc.aio
import pulsar.asyncio
from temporalio.client import Client

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_reader import PostgresClaimReader
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.adapters.temporal_claim_process import TemporalClaimProcess
from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.claim_console import ClaimReader
from claim_orchestrator.application.open_claim import ClaimPolicy, OpenClaim, Secrecy
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.application.refuse_command import RefuseCommand
from claim_orchestrator.settings import Settings
from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.commands import CommandSender
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.bus.publisher import Publisher
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from dict_common.ports.outgoing import EventSender
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize, open_connection
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.store.relay import Relay
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from dict_common.telemetry.process import ProcessFrame
from dict_common.telemetry.traces import current_traceparent

SERVICE = "claim-orchestrator"
ROLE = "claim_orchestrator"
READER = "operator_ro"
CONSUMER_POOL = PoolSize(1, 5)
WORKER_POOL = PoolSize(2, 20)


def frame(process: str) -> ProcessFrame:
    """Name, log level and probes of a process. Raises ConfigurationInvalid."""
    shared, _ = settings()
    return ProcessFrame(
        f"{SERVICE}-{process}", shared.log_level, shared.probe_address, shared.trace_file
    )


def settings() -> tuple[SharedSettings, Settings]:
    """Both records from the environment. Raises ConfigurationInvalid."""
    return read_settings(SharedSettings), read_settings(Settings)


@dataclass(frozen=True)
class Base:
    """What consumer and worker share."""

    shared: SharedSettings
    own: Settings
    database: Database
    temporal: Client
    rest: TinkRestSealer
    subjects: StoredSubjectSealer
    composer: SealingComposer


@dataclass(frozen=True)
class ConsumerAdapters:
    """What the consumer works with."""

    base: Base
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    open_claim: OpenClaim
    refuse: RefuseCommand


@dataclass(frozen=True)
class WorkerAdapters:
    """What the worker works with."""

    base: Base
    activities: ClaimActivities


@asynccontextmanager
async def open_consumer() -> AsyncIterator[ConsumerAdapters]:
    """Everything of the consumer, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await _open_base(stack, CONSUMER_POOL)
        client = connect_pulsar(base.shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        intake, clock = PostgresClaimIntake(base.database), SystemClock()
        keysets = KeysetFolder(base.shared.keys_dir)
        yield ConsumerAdapters(
            base=base,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            open_claim=OpenClaim(
                intake,
                TemporalClaimProcess(base.temporal, base.shared.temporal_task_queue),
                Secrecy(base.subjects, base.rest),
                ClaimPolicy(
                    base.own.participants,
                    base.shared.claim_day_seconds,
                    base.own.create_retry_seconds,
                ),
                clock,
            ),
            refuse=RefuseCommand(intake, base.composer, clock),
        )


@asynccontextmanager
async def open_worker() -> AsyncIterator[WorkerAdapters]:
    """Everything of the worker, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await _open_base(stack, WORKER_POOL)
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(base.shared.bridge_address)
        )
        store = PostgresClaimStore(base.database)
        directory = GrpcDirectory(channel, PostgresRequestLedger(base.database, base.rest))
        yield WorkerAdapters(
            base=base,
            activities=ClaimActivities(
                AskDirectory(directory, store, uuid4),
                RecordTransition(store, base.composer, current_traceparent),
            ),
        )


@asynccontextmanager
async def open_reader() -> AsyncIterator[ClaimReader]:
    """Claims as operators may see them. Raises Unavailable, ConfigurationInvalid."""
    url = read_settings(SharedSettings).postgres_url
    database = await Database.open(url, READER, PoolSize(1, 1))
    try:
        yield PostgresClaimReader(database)
    finally:
        await database.close()


@asynccontextmanager
async def open_command_sender() -> AsyncIterator[CommandSender]:
    """Publishes as Core does: to the topic, sealed to our public keyset."""
    shared = read_settings(SharedSettings)
    client = connect_pulsar(shared.pulsar_url)
    try:
        sealer = HybridSealer(KeysetFolder(shared.keys_dir).public("command-public"))
        yield CommandSender(Publisher(client, shared.pulsar_tenant), sealer)
    finally:
        await close_pulsar(client)


def relay() -> Relay:
    """The relay; it opens what it needs turn by turn. Raises ConfigurationInvalid."""
    shared, _ = settings()

    def open_sender(producer_name: str) -> EventSender:
        return PulsarEventSender(shared.pulsar_url, shared.pulsar_tenant, producer_name)

    return Relay(ROLE, lambda: open_connection(shared.postgres_url, ROLE), open_sender)


async def _open_base(stack: AsyncExitStack, size: PoolSize) -> Base:
    shared, own = settings()
    keysets = KeysetFolder(shared.keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    database = await Database.open(shared.postgres_url, ROLE, size)
    stack.push_async_callback(database.close)
    subjects = StoredSubjectSealer(
        PostgresSubjectKeyStore(database), keysets.private("kek"), rest, new_id
    )
    core = HybridSealer(keysets.public("core-public"))
    temporal = await connect_temporal(
        TemporalConnection(
            shared.temporal_address, shared.temporal_namespace, keysets.private("temporal-codec")
        )
    )
    composer = SealingComposer(AvroCodec(), subjects, core)
    return Base(shared, own, database, temporal, rest, subjects, composer)
