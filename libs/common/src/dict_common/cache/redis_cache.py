"""Cache on Redis. Flushed, slow, gone, not ours: it costs speed and never an answer."""

import asyncio
import re
from dataclasses import dataclass
from typing import Self

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, OutOfMemoryError, ResponseError

from dict_common.cache.breaker import Admission, Breaker
from dict_common.cache.values import is_storable, key_text, life_milliseconds
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.ports.cache import CacheKey
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger

CONNECTIONS_MAX = 16
CLOSE_SECONDS_MAX = 1.0
_PREFIX = re.compile(r"[A-Za-z0-9_:-]{0,64}")
_NOTHING = (None, 0)
"""Answers to GET, SET … NX, DEL and PEXPIRE that mean: not there, or there already."""

_log = logger(__name__)


@dataclass(frozen=True)
class CacheBounds:
    """What a call may cost: `call_seconds` in all, connecting included. After a failure no call is
    made for `pause_seconds`, then a single one tries."""

    call_seconds: float = 0.05
    pause_seconds: float = 1.0


class RedisCache:
    """Cache over one pool of connections, for one event loop.

    A write that found nobody in time answers False and may still have been done.
    `dict_cache_requests` counts every call: hit (found, done), miss (not there, or there already),
    error, skipped (Redis is known to be away, or all connections are busy), refused (a value that
    may not be stored). A log line tells when Redis goes away and when it is back, once each.
    """

    def __init__(self, client: "redis.asyncio.Redis | None", prefix: str, bounds: CacheBounds):
        self._client = client
        self._prefix = prefix
        self._bounds = bounds
        self._breaker = Breaker(bounds.pause_seconds)
        self._free = asyncio.Semaphore(CONNECTIONS_MAX)
        self._told: set[str] = set()

    @classmethod
    def open(cls, url: str, prefix: str = "", bounds: CacheBounds | None = None) -> Self:
        """From DICT_REDIS_URL and DICT_REDIS_PREFIX; connects at the first call.

        An empty URL is no Redis: every call is skipped. A prefix (`w1` or `w1:`) sets apart those
        who share a server; the namespace `dict:` is not one, keys have it already. Raises
        ConfigurationInvalid.
        """
        if _PREFIX.fullmatch(prefix) is None:
            raise ConfigurationInvalid(
                "redis-prefix-invalid", "DICT_REDIS_PREFIX: at most 64 of A-Z a-z 0-9 _ : -"
            )
        head = prefix.rstrip(":")
        client = _client(url) if url else None
        return cls(client, f"{head}:" if head else "", bounds or CacheBounds())

    async def close(self) -> None:
        """Lets go of all connections, at most in CLOSE_SECONDS_MAX. Never raises."""
        if self._client is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._client.aclose()
        except Exception as error:  # noqa: BLE001 there is nothing left to lose
            _log.info("cache-close-failed", error=type(error).__name__)

    async def get(self, key: CacheKey) -> bytes | None:
        """GET."""
        answer = await self._ask("get", "GET", self._name(key))
        return answer if isinstance(answer, bytes) else None

    async def set(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """SET … PX."""
        return await self._store("set", key, value, ttl_seconds)

    async def set_if_absent(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """SET … PX … NX."""
        return await self._store("set_if_absent", key, value, ttl_seconds, "NX")

    async def delete(self, key: CacheKey) -> bool:
        """DEL."""
        return await self._ask("delete", "DEL", self._name(key)) not in _NOTHING

    async def refresh_ttl(self, key: CacheKey, ttl_seconds: float) -> bool:
        """PEXPIRE."""
        name, life = self._name(key), life_milliseconds(ttl_seconds)
        return await self._ask("refresh_ttl", "PEXPIRE", name, life) not in _NOTHING

    def _name(self, key: CacheKey) -> str:
        return f"{self._prefix}{key_text(key)}"

    async def _store(
        self, operation: str, key: CacheKey, value: bytes, ttl_seconds: float, *condition: str
    ) -> bool:
        name, life = self._name(key), life_milliseconds(ttl_seconds)
        if not is_storable(value):
            metrics.cache_requests.labels(operation, "refused").inc()
            self._tell_once("cache-value-refused", operation)
            return False
        answer = await self._ask(operation, "SET", name, value, "PX", life, *condition)
        return answer not in _NOTHING

    async def _ask(self, operation: str, *command: str | bytes | int) -> object:
        """Redis' answer; None when it gave none. Counted."""
        outcome, answer = await self._bounded(operation, command)
        metrics.cache_requests.labels(operation, outcome).inc()
        return answer

    async def _bounded(
        self, operation: str, command: tuple[str | bytes | int, ...]
    ) -> tuple[str, object]:
        admission = Admission.SKIP if self._client is None else self._breaker.admit()
        if self._client is None or admission is Admission.SKIP:
            return "skipped", None
        deadline = asyncio.get_running_loop().time() + self._bounds.call_seconds
        if not await self._connection_is_free():
            return "skipped", None  # we are busy, Redis is not to blame
        try:
            async with asyncio.timeout_at(deadline):
                if admission is Admission.PROBE:  # old ones may lead to where Redis was
                    await self._client.connection_pool.disconnect(inuse_connections=False)
                answer = await _execute(self._client, command)
        except Exception as error:  # noqa: BLE001 whatever is wrong with Redis costs speed only
            self._note_trouble(operation, error)
            return "error", None
        finally:
            self._free.release()
        if self._breaker.succeeded(admission):
            _log.info("cache-back")
        return ("miss" if answer in _NOTHING else "hit"), answer

    async def _connection_is_free(self) -> bool:
        """Waits for half of the bound at most: a call that begins late would blame Redis."""
        try:
            async with asyncio.timeout(self._bounds.call_seconds / 2):
                await self._free.acquire()
        except TimeoutError:
            return False
        return True

    def _note_trouble(self, operation: str, error: Exception) -> None:
        refusal = _refusal(error)
        if refusal:
            self._tell_once("cache-command-refused", f"{operation}: {refusal}")
        elif self._breaker.failed():
            _log.warning("cache-away", error=f"{type(error).__name__}: {error}")

    def _tell_once(self, action: str, what: str) -> None:
        """Operations and refusals are few, and so is what is remembered here."""
        if (told := f"{action} {what}") not in self._told:
            self._told.add(told)
            _log.warning(action, what=what)


def _client(url: str) -> "redis.asyncio.Redis":
    """One try for each call, and the older protocol, in which connecting takes fewer turns.

    The library's own time limits are off: the one for writing rests on `asyncio.wait_for`, which
    before Python 3.12 may swallow a cancellation, ours among them.
    """
    try:
        client = redis.asyncio.Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS_MAX,
            socket_timeout=None,
            socket_connect_timeout=None,
        )
        # Connects to nothing, and finds options that it does not know.
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ConfigurationInvalid(
            "redis-url-invalid", "DICT_REDIS_URL must be redis:// or rediss:// host:port/number"
        ) from None
    return client


async def _execute(client: "redis.asyncio.Redis", command: tuple[str | bytes | int, ...]) -> object:
    answer: object = await client.execute_command(*command)  # type: ignore[no-untyped-call]
    return answer


def _refusal(error: Exception) -> str:
    """Why Redis, which is well, will not do this one command; empty for any other trouble."""
    if isinstance(error, OutOfMemoryError | NoPermissionError):
        return type(error).__name__
    word = str(error).split(" ", 1)[0]
    return word if isinstance(error, ResponseError) and word in ("WRONGTYPE", "MISCONF") else ""
