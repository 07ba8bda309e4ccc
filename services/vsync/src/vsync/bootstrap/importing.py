"""What `dictctl vsync import` works with."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from dict_common.bus.avro import AvroCodec
from dict_common.kernel.ids import new_id
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.store.database import Database, PoolSize
from dict_common.store.subject_keys import PostgresSubjectKeyStore
from vsync.adapters.entries_file import EntriesFile, write_faults
from vsync.adapters.import_workers import import_workers
from vsync.adapters.postgres_import_store import import_store
from vsync.application.import_entries import ImportEntries, RowsFile
from vsync.application.import_rows import Fault
from vsync.bootstrap.foundations import ROLE, settings

WORKERS_MAX = 32
_WORKERS_BY_ITSELF_MAX = 8


def write_report(path: Path, faults: Sequence[Fault]) -> None:
    """Line, column and rule of what was left out, as CSV. Blocks for the disk; raises OSError."""
    write_faults(path, faults)


def open_file(path: Path) -> RowsFile:
    """The file, hashed. Blocks for that. Raises InputRefused `file-invalid`."""
    return EntriesFile(path)


@asynccontextmanager
async def open_import(workers: int | None) -> AsyncIterator[ImportEntries]:
    """The use case as the role `vsync`. Raises Unavailable, ConfigurationInvalid."""
    shared, own = settings()
    count = workers or min(os.cpu_count() or 1, _WORKERS_BY_ITSELF_MAX)
    core = HybridSealer(KeysetFolder(shared.keys_dir).public("core-public"))
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, ROLE, PoolSize(1, 1))
        stack.push_async_callback(database.close)
        store = await stack.enter_async_context(import_store(shared.postgres_url, ROLE, new_id))
        prepare = await stack.enter_async_context(
            import_workers(shared.keys_dir, own.participants, count)
        )
        yield ImportEntries(
            store,
            prepare,
            PostgresSubjectKeyStore(database),
            SealingComposer(AvroCodec(), None, core),
            ahead_max=2 * count,
        )
