"""What every process shares: settings, connections, secrets, the installation's decisions."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client

from claim_orchestrator.application.claim_policy import ClaimPolicy
from claim_orchestrator.settings import Settings
from dict_common.bus.avro import AvroCodec
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.kernel.ids import new_id
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from dict_common.telemetry.process import ProcessFrame

SERVICE = "claim-orchestrator"
ROLE = "claim_orchestrator"
READER = "operator_ro"
CONSUMER_POOL = PoolSize(1, 5)
WORKER_POOL = PoolSize(2, 20)
NOTIFY_SECONDS = 10.0
BACKLOG_SECONDS = 5.0
DECIDE_SUBSCRIPTION = "claim-orchestrator.claim-decide"
PROOF_EVENT = "otp.validated"
PROOF_SUBSCRIPTION = "claim-orchestrator.otp-validated"


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


def ledger(base: Base) -> PostgresRequestLedger:
    """connect.bridge_requests, kept as long as the installation decided."""
    kept = timedelta(days=base.own.bridge_requests_kept_days)
    return PostgresRequestLedger(base.database, base.rest, kept)


async def open_base(stack: AsyncExitStack, size: PoolSize) -> Base:
    """Connections and secrets of a process. Raises Unavailable, ConfigurationInvalid."""
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
