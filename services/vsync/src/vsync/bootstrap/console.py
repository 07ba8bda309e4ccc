"""What `dictctl vsync` and `dictctl review` work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from dict_common.bus.avro import AvroCodec
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.kernel.fields import opaque
from dict_common.kernel.ids import new_id
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize
from vsync.adapters.postgres_acts import PostgresActs
from vsync.adapters.postgres_findings import PostgresFindings
from vsync.adapters.postgres_sync_reader import PostgresSyncReader
from vsync.adapters.temporal_schedules import TemporalSchedules
from vsync.application.compare_file import CidOwners, LocalCids
from vsync.application.daily_schedule import DailySchedule, Schedules, wanted
from vsync.application.open_entries import OpenEntries
from vsync.application.sync_console import Opener, SyncReader
from vsync.bootstrap.foundations import ROLE
from vsync.settings import ConsoleSettings

READER = "operator_ro"


def settings() -> ConsoleSettings:
    """From the environment. Raises ConfigurationInvalid."""
    return read_settings(ConsoleSettings)


def opener() -> Opener:
    """Opens what is sealed, where this console's folder has the keysets for it."""
    keysets = KeysetFolder(read_settings(SharedSettings).keys_dir)
    try:
        return Opener(TinkRestSealer(keysets.private("rest"), keysets.private("prf")))
    except ConfigurationInvalid:
        return Opener(None)


def operator_of(token: str, at: datetime) -> str:
    """The opaque id of the operator, judged here: no request carries what is done where files and
    keysets are. Raises InputRefused `token-invalid`."""
    public = KeysetFolder(read_settings(SharedSettings).keys_dir).public("operator-issuer-public")
    subject = JwtOperatorTokens(public, settings().operator_issuer).subject_of(token, at)
    return opaque({"sub": subject}, "sub")


def daily_schedule() -> DailySchedule:
    """As this installation wants it. Raises ConfigurationInvalid."""
    own = settings()
    return wanted(own.schedule_hour, own.schedule_jitter_seconds, own.task_queue)


@asynccontextmanager
async def open_reader() -> AsyncIterator[SyncReader]:
    """Runs, discrepancies and reviews as operators may see them. Raises Unavailable."""
    async with _open_database() as database:
        yield PostgresSyncReader(database)


@asynccontextmanager
async def open_comparison() -> AsyncIterator[tuple[LocalCids, CidOwners]]:
    """Our side of a set, and whose its CIDs are. Raises Unavailable."""
    folder = settings().work_dir
    folder.mkdir(parents=True, exist_ok=True)
    async with _open_database() as database:
        yield PostgresFindings(database, folder), PostgresSyncReader(database)


@asynccontextmanager
async def open_entries() -> AsyncIterator[OpenEntries]:
    """Tells of values in clear, as the role `vsync`. Raises Unavailable, ConfigurationInvalid."""
    core = HybridSealer(KeysetFolder(read_settings(SharedSettings).keys_dir).public("core-public"))
    async with _open_database(ROLE) as database:
        composer = SealingComposer(AvroCodec(), None, core)
        yield OpenEntries(PostgresActs(database), composer, new_id)


async def open_schedules() -> Schedules:
    """Temporal's. Raises Unavailable, ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    keyset = KeysetFolder(shared.keys_dir).private("temporal-codec")
    client = await connect_temporal(
        TemporalConnection(shared.temporal_address, shared.temporal_namespace, keyset)
    )
    return TemporalSchedules(client)


@asynccontextmanager
async def _open_database(role: str = READER) -> AsyncIterator[Database]:
    url = read_settings(SharedSettings).postgres_url
    database = await Database.open(url, role, PoolSize(1, 1))
    try:
        yield database
    finally:
        await database.close()
