"""The one door: settings in, adapters out. Each process is built from what it finds here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import grpc.aio
import httpx
import pulsar.asyncio
from temporalio.client import Client

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_reader import PostgresClaimReader
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.adapters.postgres_upkeep import PostgresUpkeep
from claim_orchestrator.adapters.pulsar_decision_backlog import PulsarDecisionBacklog
from claim_orchestrator.adapters.temporal_claim_process import TemporalClaimProcess
from claim_orchestrator.adapters.webhook_notifier import WebhookNotifier
from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.await_decisions import AwaitDecisions
from claim_orchestrator.application.claim_console import ClaimReader
from claim_orchestrator.application.claim_desk import ClaimDesk
from claim_orchestrator.application.claim_policy import ClaimPolicy
from claim_orchestrator.application.claim_records import Recorded, Transition
from claim_orchestrator.application.claim_status import ClaimStatus, RememberStatus
from claim_orchestrator.application.decide_claim import DecideClaim
from claim_orchestrator.application.note_proof import NoteProof
from claim_orchestrator.application.open_claim import OpenClaim, Secrecy
from claim_orchestrator.application.operator_request import HandleOperatorRequest
from claim_orchestrator.application.orphan_decisions import OrphanDecisions
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.application.refuse_command import DECIDE_COMMAND, RefuseCommand
from claim_orchestrator.application.upkeep import Upkeep
from claim_orchestrator.settings import Settings
from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.commands import CommandSender
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.bus.publisher import Publisher
from dict_common.cache.redis_cache import RedisCache
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.kernel.ids import new_id
from dict_common.ports.outgoing import EventSender
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize, open_connection
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.store.relay import Relay
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from dict_common.telemetry import metrics
from dict_common.telemetry.process import ProcessFrame
from dict_common.telemetry.traces import current_traceparent
from dict_schemas.topics import topic

SERVICE = "claim-orchestrator"
ROLE = "claim_orchestrator"
READER = "operator_ro"
CONSUMER_POOL = PoolSize(1, 5)
WORKER_POOL = PoolSize(2, 20)
NOTIFY_SECONDS = 10.0
BACKLOG_SECONDS = 5.0
DECIDE_SUBSCRIPTION = "claim-orchestrator.claim-decide"


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
    policy: ClaimPolicy


@dataclass(frozen=True)
class Commands:
    """The use cases of the consumer, one for each topic."""

    open_claim: OpenClaim
    decide_claim: DecideClaim
    note_proof: NoteProof
    operator: HandleOperatorRequest


@dataclass(frozen=True)
class ConsumerAdapters:
    """What the consumer works with."""

    base: Base
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    commands: Commands
    refuse: RefuseCommand
    upkeep: Upkeep


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
        process = TemporalClaimProcess(base.temporal, base.shared.temporal_task_queue)
        keysets = KeysetFolder(base.shared.keys_dir)
        tokens = JwtOperatorTokens(
            keysets.public("operator-issuer-public"), base.own.operator_issuer
        )
        store = PostgresClaimStore(base.database)
        yield ConsumerAdapters(
            base=base,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            commands=Commands(
                open_claim=OpenClaim(
                    intake, process, Secrecy(base.subjects, base.rest), base.policy, clock
                ),
                decide_claim=DecideClaim(intake, process, clock),
                note_proof=NoteProof(intake, process, base.own.participants),
                operator=HandleOperatorRequest(intake, store, process, tokens, base.composer),
            ),
            refuse=RefuseCommand(intake, base.composer, clock),
            upkeep=Upkeep(
                OrphanDecisions(intake, base.composer, clock),
                PostgresUpkeep(base.database, _ledger(base)),
            ),
        )


@asynccontextmanager
async def open_worker() -> AsyncIterator[WorkerAdapters]:
    """Everything of the worker, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await _open_base(stack, WORKER_POOL)
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(base.shared.bridge_address)
        )
        cache = RedisCache.open(base.shared.redis_url, base.shared.redis_prefix)
        stack.push_async_callback(cache.close)
        store, clock = PostgresClaimStore(base.database), SystemClock()
        yield WorkerAdapters(
            base=base,
            activities=ClaimActivities(
                AskDirectory(GrpcDirectory(channel, _ledger(base)), store, base.rest, uuid4),
                RecordTransition(
                    store,
                    base.composer,
                    base.rest,
                    current_traceparent,
                    (RememberStatus(cache), _count_steps),
                ),
                ClaimDesk(store, await _notifier(stack, base), base.policy),
                AwaitDecisions(await _backlog(stack, base), clock),
            ),
        )


async def _notifier(stack: AsyncExitStack, base: Base) -> WebhookNotifier:
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=NOTIFY_SECONDS))
    secret = KeysetFolder(base.shared.keys_dir).text("notify.secret") if base.own.notify_url else ""
    return WebhookNotifier(client, base.own.notify_url, secret.encode(), SystemClock())


async def _backlog(stack: AsyncExitStack, base: Base) -> PulsarDecisionBacklog:
    client = await stack.enter_async_context(
        httpx.AsyncClient(
            base_url=base.shared.pulsar_admin_url, timeout=BACKLOG_SECONDS, trust_env=False
        )
    )
    decide = topic("commands", DECIDE_COMMAND).full_name(base.shared.pulsar_tenant)
    return PulsarDecisionBacklog(client, decide, DECIDE_SUBSCRIPTION, base.database)


def _ledger(base: Base) -> PostgresRequestLedger:
    kept = timedelta(days=base.own.bridge_requests_kept_days)
    return PostgresRequestLedger(base.database, base.rest, kept)


async def _count_steps(transition: Transition, _recorded: Recorded) -> None:
    for step in transition.steps:
        metrics.claim_steps.labels(step.name, step.outcome).inc()


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
async def open_status() -> AsyncIterator[ClaimStatus]:
    """A claim's status from the cache, else from the database."""
    shared = read_settings(SharedSettings)
    cache = RedisCache.open(shared.redis_url, shared.redis_prefix)
    try:
        async with open_reader() as reader:
            yield ClaimStatus(cache, reader)
    finally:
        await cache.close()


def operator_token() -> str:
    """The operator's token. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    file = shared.operator_token_file or shared.keys_dir / "operator.jwt"
    return KeysetFolder(file.parent).text(file.name)


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
    return Base(shared, own, database, temporal, rest, subjects, composer, policy_of(shared, own))


def policy_of(shared: SharedSettings, own: Settings) -> ClaimPolicy:
    """The installation's decisions. Raises ConfigurationInvalid."""
    if shared.environment == "production" and own.possession == "skipped":
        raise ConfigurationInvalid(
            "settings-invalid",
            "CLAIM_ORCHESTRATOR_POSSESSION must be required in production: proof of possession "
            "guards the ownership of somebody's key",
        )
    return ClaimPolicy(
        participants=own.participants,
        day_seconds=shared.claim_day_seconds,
        create_retry_seconds=own.create_retry_seconds,
        decision_grace_seconds=own.decision_grace_seconds,
        deadline_margins_days=own.deadline_margins_days,
        possession_required=own.possession == "required",
    )
