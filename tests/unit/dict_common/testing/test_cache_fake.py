"""The cache's fake passes the exam of Redis, and can be gone."""

from datetime import timedelta

from dict_common.ports.cache import Cache, CacheKey
from dict_common.testing.cache import MINUTE_SECONDS, CacheSuite, InMemoryCache, claim_key
from dict_common.testing.clock import FixedClock


class TestInMemoryCache(CacheSuite):
    """The fake on a clock that is moved."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._clock = FixedClock()
        self._cache = InMemoryCache(self._clock)

    async def cache(self) -> Cache:
        """The fake."""
        return self._cache

    async def life_seconds(self, key: CacheKey) -> float:
        """By its clock."""
        return self._cache.life_seconds(key)

    async def outlive(self, key: CacheKey, ttl_seconds: float) -> None:
        """Moves the clock."""
        self._clock.move(timedelta(seconds=ttl_seconds))

    async def test_when_it_is_away_nothing_is_there_and_nothing_is_done(self) -> None:
        key = claim_key()
        assert await self._cache.set(key, b"OPEN", MINUTE_SECONDS)
        self._cache.away = True
        assert await self._cache.get(key) is None
        assert not await self._cache.set(key, b"OPEN", MINUTE_SECONDS)
        assert not await self._cache.set_if_absent(claim_key(), b"OPEN", MINUTE_SECONDS)
        assert not await self._cache.delete(key)
        assert not await self._cache.refresh_ttl(key, MINUTE_SECONDS)
        self._cache.away = False
        assert await self._cache.get(key) == b"OPEN"
        self._cache.flush()
        assert await self._cache.get(key) is None
