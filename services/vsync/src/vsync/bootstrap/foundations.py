"""What every process of vsync shares."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from temporalio.client import Client

from dict_common.bus.avro import AvroCodec
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.kernel.ids import new_id
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from dict_common.telemetry.process import ProcessFrame
from vsync.application.telling import Telling
from vsync.application.writing import Secrecy
from vsync.settings import Settings

SERVICE = "vsync"
ROLE = "vsync"
CONSUMER_POOL = PoolSize(1, 5)
WORKER_POOL = PoolSize(2, 20)
REPORT_COMMAND = "entry.report"
REPORT_SUBSCRIPTION = "vsync.entry-report"


@dataclass(frozen=True)
class Base:
    """What consumer and worker share."""

    shared: SharedSettings
    own: Settings
    keysets: KeysetFolder
    database: Database
    temporal: Client
    rest: TinkRestSealer
    subjects: StoredSubjectSealer
    secrecy: Secrecy
    composer: SealingComposer
    telling: Telling


def settings() -> tuple[SharedSettings, Settings]:
    """Both records from the environment. Raises ConfigurationInvalid."""
    return read_settings(SharedSettings), read_settings(Settings)


def frame(process: str) -> ProcessFrame:
    """Name, log level and probes of a process. Raises ConfigurationInvalid."""
    shared, _ = settings()
    return ProcessFrame(
        f"{SERVICE}-{process}", shared.log_level, shared.probe_address, shared.trace_file
    )


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
    temporal = await connect_temporal(
        TemporalConnection(
            shared.temporal_address, shared.temporal_namespace, keysets.private("temporal-codec")
        )
    )
    composer = SealingComposer(AvroCodec(), subjects, HybridSealer(keysets.public("core-public")))
    return Base(
        shared=shared,
        own=own,
        keysets=keysets,
        database=database,
        temporal=temporal,
        rest=rest,
        subjects=subjects,
        secrecy=Secrecy(subjects, rest),
        composer=composer,
        telling=Telling(composer),
    )
