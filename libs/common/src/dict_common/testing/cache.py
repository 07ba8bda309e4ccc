"""Cache: a fake, and the exam that fake and Redis pass alike."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from dict_common.cache.values import is_storable, key_text, life_milliseconds
from dict_common.kernel.clock import Clock
from dict_common.ports.cache import (
    TTL_SECONDS_MAX,
    VALUE_BYTES_MAX,
    Cache,
    CachedResponse,
    CacheKey,
    get_response,
    set_response,
)

MINUTE_SECONDS = 60.0
UNSTORABLE = (
    b'{"tax_id":"11122233300"}',
    b"111.222.333-00",
    b"12345678000195",
    b'{"key":"+5561988880000"}',
    b"joao.silva@example.com",
    b"x" * (VALUE_BYTES_MAX + 1),
)


class InMemoryCache:
    """Cache with values in memory. Set `away` and it is a Redis that is gone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[bytes, datetime]] = {}
        self.away = False

    async def get(self, key: CacheKey) -> bytes | None:
        """The value, unless its life is over."""
        value, _ = self._living(key_text(key))
        return value

    async def set(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """Stores."""
        text, end = key_text(key), self._end(ttl_seconds)
        if self.away or not is_storable(value):
            return False
        self._values[text] = (value, end)
        return True

    async def set_if_absent(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """Stores unless one lives."""
        taken = await self.get(key) is not None
        self._end(ttl_seconds)
        return not taken and await self.set(key, value, ttl_seconds)

    async def delete(self, key: CacheKey) -> bool:
        """Removes."""
        value, _ = self._living(key_text(key))
        if value is not None:
            del self._values[key.text]
        return value is not None

    async def refresh_ttl(self, key: CacheKey, ttl_seconds: float) -> bool:
        """A new life from here."""
        (value, _), end = self._living(key_text(key)), self._end(ttl_seconds)
        if value is not None:
            self._values[key.text] = (value, end)
        return value is not None

    def flush(self) -> None:
        """Forgets everything, as Redis may at any moment."""
        self._values.clear()

    def life_seconds(self, key: CacheKey) -> float:
        """What is left of a value's life; 0 when there is none."""
        value, end = self._living(key.text)
        return 0.0 if value is None else (end - self._clock.now()).total_seconds()

    def _living(self, text: str) -> tuple[bytes | None, datetime]:
        now = self._clock.now()
        value, end = self._values.get(text, (None, now))
        return (value, end) if end > now and not self.away else (None, now)

    def _end(self, ttl_seconds: float) -> datetime:
        return self._clock.now() + timedelta(milliseconds=life_milliseconds(ttl_seconds))


class CacheSuite(ABC):
    """Subclasses say how a cache is made, and how its time is read and passes."""

    @abstractmethod
    async def cache(self) -> Cache:
        """A cache to examine; keys of other tests may be in it."""

    @abstractmethod
    async def life_seconds(self, key: CacheKey) -> float:
        """What is left of a value's life; 0 when there is none."""

    @abstractmethod
    async def outlive(self, key: CacheKey, ttl_seconds: float) -> None:
        """Returns when a value that was given `ttl_seconds` is over its life."""

    async def test_stored_is_found_until_it_is_deleted(self) -> None:
        """Byte for byte, an empty value too."""
        cache, key = await self.cache(), claim_key()
        assert await cache.get(key) is None
        for value in (b"OPEN", b"", bytes(range(256))):
            assert await cache.set(key, value, MINUTE_SECONDS)
            assert await cache.get(key) == value
        assert await cache.delete(key)
        assert await cache.get(key) is None
        assert not await cache.delete(key)

    async def test_first_writer_wins_if_absent(self) -> None:
        """Until the first value is gone."""
        cache, key = await self.cache(), claim_key()
        assert await cache.set_if_absent(key, b"first", MINUTE_SECONDS)
        assert not await cache.set_if_absent(key, b"second", MINUTE_SECONDS)
        assert await cache.get(key) == b"first"
        assert await cache.delete(key)
        assert await cache.set_if_absent(key, b"second", MINUTE_SECONDS)

    async def test_everything_ends(self) -> None:
        """After its time to live; a value written again lives anew."""
        cache, key = await self.cache(), claim_key()
        assert await cache.set(key, b"OPEN", 0.2)
        await self.outlive(key, 0.2)
        assert await cache.get(key) is None
        assert await cache.set(key, b"OPEN", 10)
        assert await cache.set(key, b"COMPLETED", TTL_SECONDS_MAX)
        assert TTL_SECONDS_MAX - 60 < await self.life_seconds(key) <= TTL_SECONDS_MAX

    async def test_life_is_refreshed_of_what_lives(self) -> None:
        """Longer or shorter; nothing is made by it."""
        cache, key = await self.cache(), claim_key()
        assert not await cache.refresh_ttl(key, MINUTE_SECONDS)
        assert await cache.get(key) is None
        assert await cache.set(key, b"OPEN", MINUTE_SECONDS)
        assert await cache.refresh_ttl(key, 10 * MINUTE_SECONDS)
        assert 9 * MINUTE_SECONDS < await self.life_seconds(key) <= 10 * MINUTE_SECONDS
        assert await cache.refresh_ttl(key, 0.2)
        await self.outlive(key, 0.2)
        assert not await cache.refresh_ttl(key, MINUTE_SECONDS)

    async def test_keys_do_not_meet(self) -> None:
        """Claims, workflows, hashes: each has its own value."""
        cache, claim_id, hash_key = await self.cache(), uuid4(), CacheKey.of_hash(uuid4().hex * 2)
        keys = (
            CacheKey.of("dict", "claim", claim_id, "status"),
            CacheKey.of("workflow", "claim", f"claim-{claim_id}", "status"),
            CacheKey.of("workflow", "claim", f"claim-{claim_id}-monitor", "status"),
            hash_key,
        )
        for key in keys:
            assert await cache.set(key, key.text.encode(), MINUTE_SECONDS)
        assert [await cache.get(key) for key in keys] == [key.text.encode() for key in keys]

    async def test_answers_good_and_bad_are_remembered(self) -> None:
        """In the seed's envelope; what is none is no answer."""
        cache, key = await self.cache(), CacheKey.of_hash(uuid4().hex * 2)
        assert await get_response(cache, key) is None
        for response in (
            CachedResponse(is_error=False, content={"status": "OPEN", "days": [7, 30], "é": None}),
            CachedResponse(is_error=False, content=None),
            CachedResponse(is_error=True, content={"type": "ClaimKeyNotFound", "status": 404}),
        ):
            assert await set_response(cache, key, response, MINUTE_SECONDS)
            assert await get_response(cache, key) == response
        assert await cache.set(key, b"somebody else's", MINUTE_SECONDS)
        assert await get_response(cache, key) is None

    async def test_a_key_that_was_not_built_is_refused(self) -> None:
        """Loudly: it is a mistake in the caller."""
        cache = await self.cache()
        key: Any = "dict:claim:+5561988880000:status"
        calls: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: cache.get(key),
            lambda: cache.set(key, b"x", MINUTE_SECONDS),
            lambda: cache.set_if_absent(key, b"x", MINUTE_SECONDS),
            lambda: cache.delete(key),
            lambda: cache.refresh_ttl(key, MINUTE_SECONDS),
        )
        for call in calls:
            assert "CacheKey" in str(await _mistake(call(), TypeError))

    async def test_a_life_without_end_is_refused(self) -> None:
        """Loudly, and nothing is stored."""
        cache, key = await self.cache(), claim_key()
        for ttl_seconds in (0, -1, TTL_SECONDS_MAX + 1, float("nan")):
            await _mistake(cache.set(key, b"x", ttl_seconds), ValueError)
            await _mistake(cache.set_if_absent(key, b"x", ttl_seconds), ValueError)
            await _mistake(cache.refresh_ttl(key, ttl_seconds), ValueError)
        assert await cache.get(key) is None

    async def test_what_looks_personal_or_is_huge_is_not_stored(self) -> None:
        """Quietly: the caller goes on without a cache."""
        cache, key = await self.cache(), claim_key()
        for value in UNSTORABLE:
            assert not await cache.set(key, value, MINUTE_SECONDS)
            assert not await cache.set_if_absent(key, value, MINUTE_SECONDS)
        assert await cache.get(key) is None


def claim_key() -> CacheKey:
    """A key that no other test has."""
    return CacheKey.of("dict", "claim", uuid4(), "status")


async def _mistake(call: Awaitable[object], kind: type[Exception]) -> Exception:
    """The error that a call must end in."""
    try:
        await call
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
