"""Redis passes the exam of the cache's fake, and those who share a server do not meet."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
import redis.asyncio

from devstack.stack import Stack
from dict_common.cache.redis_cache import CacheBounds, RedisCache
from dict_common.ports.cache import Cache, CacheKey
from dict_common.testing.cache import MINUTE_SECONDS, CacheSuite, claim_key
from tests.support.waiting import until

PATIENT = CacheBounds(call_seconds=20.0)
"""For tests of what Redis answers: a busy machine must not look like a slow Redis."""


class TestRedisCache(CacheSuite):
    """Over the shared server."""

    @pytest_asyncio.fixture(autouse=True, loop_scope="session")
    async def _opened(self, stack: Stack) -> AsyncIterator[None]:
        self._url, self._prefix = stack.environment()["DICT_REDIS_URL"], f"w{uuid4().hex[:12]}"
        self._cache = RedisCache.open(self._url, f"{self._prefix}:", PATIENT)
        async with redis.asyncio.from_url(self._url) as self._server:
            yield
        await self._cache.close()

    async def cache(self) -> Cache:
        """Over its own connections."""
        return self._cache

    async def life_seconds(self, key: CacheKey) -> float:
        """As the server counts."""
        left: int = await self._server.pttl(f"{self._prefix}:{key.text}")
        return max(0, left) / 1000

    async def outlive(self, key: CacheKey, ttl_seconds: float) -> None:
        """Waits for it."""

        async def gone() -> bool:
            return await self.life_seconds(key) == 0

        await until(gone, f"a value of {ttl_seconds} s is gone")

    async def test_neighbours_on_one_server_do_not_meet(self) -> None:
        """Each has its prefix, with or without its colon, and none doubles one."""
        key, other = claim_key(), f"w{uuid4().hex[:12]}"
        neighbour = RedisCache.open(self._url, other, PATIENT)
        assert await self._cache.set(key, b"ours", MINUTE_SECONDS)
        assert await neighbour.get(key) is None
        assert await neighbour.set(key, b"theirs", MINUTE_SECONDS)
        assert await self._cache.get(key) == b"ours"
        await neighbour.close()
        assert await self._server.get(f"{self._prefix}:{key.text}") == b"ours"
        assert await self._server.get(f"{other}:{key.text}") == b"theirs"

    async def test_without_a_prefix_the_server_holds_the_key_as_it_is(self) -> None:
        """And the seed's hash key has one prefix, not two."""
        digest = uuid4().hex * 2
        cache = RedisCache.open(self._url, "", PATIENT)
        assert await cache.set(CacheKey.of_hash(digest), b"{}", 5)
        assert await self._server.get(f"dict:hash:{digest}") == b"{}"
        assert await cache.delete(CacheKey.of_hash(digest))
        await cache.close()
