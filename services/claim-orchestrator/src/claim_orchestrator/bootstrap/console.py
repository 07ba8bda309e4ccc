"""What `dictctl` reads with and publishes by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from claim_orchestrator.adapters.postgres_claim_reader import PostgresClaimReader
from claim_orchestrator.application.claim_console import ClaimReader
from claim_orchestrator.application.claim_status import ClaimStatus
from claim_orchestrator.bootstrap.foundations import (
    READER,
)
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.commands import CommandSender
from dict_common.bus.publisher import Publisher
from dict_common.cache.redis_cache import RedisCache
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
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


def operator_token() -> str:
    """The operator's token. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)
    file = shared.operator_token_file or shared.keys_dir / "operator.jwt"
    try:
        return KeysetFolder(file.parent).text(file.name)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(
            "token-missing",
            f"no operator's token in {file}: log in at your issuer, put the token into a file, and "
            "name it in DICT_OPERATOR_TOKEN_FILE",
        ) from error


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
