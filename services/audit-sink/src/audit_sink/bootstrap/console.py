"""What the verbs of dictctl work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from audit_sink.adapters.export_file import export_file
from audit_sink.adapters.postgres_audit_search import PostgresAuditSearch
from audit_sink.adapters.postgres_homecoming import homecoming
from audit_sink.adapters.postgres_partitions import PostgresPartitions
from audit_sink.adapters.postgres_replay_views import PostgresReplayViews
from audit_sink.application.audit_search import AuditSearch
from audit_sink.application.export import ExportFile, Format
from audit_sink.application.partitions import Homecoming, PartitionsList
from audit_sink.bootstrap.foundations import database_as
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database

READER = "operator_ro"
MAINTAINER = "audit_maintainer"


@asynccontextmanager
async def open_reader() -> AsyncIterator[AuditSearch]:
    """The audit as `operator_ro` sees it, for the verbs of dictctl. Raises Unavailable."""
    async with database_as(READER) as database:
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
    async with database_as(MAINTAINER) as database:
        yield PostgresPartitions(database)


@asynccontextmanager
async def open_homecoming() -> AsyncIterator[Homecoming]:
    """One transaction of `audit_maintainer`, undone by any error. Raises Unavailable."""
    async with homecoming(read_settings(SharedSettings).postgres_url, MAINTAINER) as made:
        yield made


@asynccontextmanager
async def open_operator() -> AsyncIterator[Database]:
    """The database as `operator_ro` sees it. Raises Unavailable."""
    async with database_as(READER) as database:
        yield database


@asynccontextmanager
async def open_replays() -> AsyncIterator[PostgresReplayViews]:
    """Replays as `operator_ro` sees them. Raises Unavailable."""
    async with database_as(READER) as database:
        yield PostgresReplayViews(database, read_settings(SharedSettings).pulsar_tenant)
