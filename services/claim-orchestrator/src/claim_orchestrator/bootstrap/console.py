"""What `dictctl` reads with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from claim_orchestrator.adapters.postgres_claim_reader import PostgresClaimReader
from claim_orchestrator.application.claim_console import ClaimReader
from claim_orchestrator.application.claim_status import ClaimStatus
from claim_orchestrator.bootstrap.foundations import (
    READER,
)
from dict_common.cache.redis_cache import RedisCache
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize


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
