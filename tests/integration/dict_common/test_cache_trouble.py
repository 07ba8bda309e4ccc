"""Whatever happens to Redis costs speed: no call raises, none waits, and it is back by itself."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import redis.asyncio
import structlog.testing

from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack
from devstack.state import StateFile
from dict_common.cache.redis_cache import CONNECTIONS_MAX, CacheBounds, RedisCache
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.ports.cache import CacheKey
from dict_common.telemetry.metrics import REGISTRY
from dict_common.testing.cache import MINUTE_SECONDS, claim_key
from tests.support.waiting import until

CALLS = 200
CALLS_SECONDS_MAX = 5.0
"""200 calls of 50 ms each would take twice as long: most must not have been made at all."""
PATIENT = CacheBounds(call_seconds=20.0, pause_seconds=0.05)
ELSEWHERE = {
    "DICT_POSTGRES_URL": "postgresql://127.0.0.1:1/lbpay_connect",
    "DICT_PULSAR_URL": "pulsar://127.0.0.1:1",
    "DICT_PULSAR_ADMIN_URL": "http://127.0.0.1:1",
    "DICT_TEMPORAL_ADDRESS": "127.0.0.1:1",
}
JUNK = {
    "silence": None,
    "hangs up": b"",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "no number": b":many\r\n",
    "no text": b"$-7\r\n",
    "endless": b"*1000000000\r\n" * 3,
    "bytes": bytes(range(256)) * 16,
    "refusal": b"-ERR unknown command\r\n" * 8,
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n" * 8,
    "wrong kinds": b"*2\r\n:1\r\n:2\r\n" * 8,
}


@dataclass
class OwnRedis:
    """A server that a test may do anything to."""

    stack: Stack

    @property
    def url(self) -> str:
        """Of clients."""
        return self.stack.environment()["DICT_REDIS_URL"]

    def signal(self, how: signal.Signals) -> None:
        """SIGSTOP makes it infinitely slow."""
        os.kill(StateFile(self.stack.run.state).read().processes["redis"].pid, how)

    async def says(self, *command: str) -> object:
        """What it answers to an operator."""
        async with redis.asyncio.from_url(self.url) as client:
            answer: object = await client.execute_command(*command)  # type: ignore[no-untyped-call]
            return answer


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = Path(tmp_path_factory.mktemp("redis"))
    stack = Stack(folder, fetch=fetch_quietly, environ=ELSEWHERE)
    stack.up(infrastructure_only=True)
    yield stack
    stack.down()


@pytest.fixture
def server(started: Stack) -> Iterator[OwnRedis]:
    own = OwnRedis(started)
    yield own
    started.kill("redis")  # whatever was done to it; nothing of it survives
    started.up(infrastructure_only=True)


@pytest_asyncio.fixture(loop_scope="session")
async def cache(server: OwnRedis) -> AsyncIterator[RedisCache]:
    """As a service opens it: 50 ms, and a second's pause."""
    opened = RedisCache.open(server.url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def patient(server: OwnRedis) -> AsyncIterator[RedisCache]:
    """With so much time that a busy machine does not look like trouble."""
    opened = RedisCache.open(server.url, bounds=PATIENT)
    yield opened
    await opened.close()


async def nothing_comes_of(cache: RedisCache, key: CacheKey) -> None:
    """Every call is answered, at once, by what an empty cache would say."""
    start = time.perf_counter()
    for _ in range(CALLS // 5):
        assert await cache.get(key) is None
        assert not await cache.set(key, b"OPEN", MINUTE_SECONDS)
        assert not await cache.set_if_absent(key, b"OPEN", MINUTE_SECONDS)
        assert not await cache.delete(key)
        assert not await cache.refresh_ttl(key, MINUTE_SECONDS)
    assert time.perf_counter() - start < CALLS_SECONDS_MAX


async def works_again(cache: RedisCache) -> None:
    """Waits until what is stored is found."""
    key = claim_key()

    async def stored_and_found() -> bool:
        stored = await cache.set(key, b"OPEN", MINUTE_SECONDS)
        return stored and await cache.get(key) == b"OPEN"

    await until(stored_and_found, "the cache is back")


def counted(operation: str, outcome: str) -> float:
    """From dict_cache_requests."""
    labels = {"operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("dict_cache_requests_total", labels) or 0.0


async def test_a_slow_server_is_left_alone_and_answers_do_not_get_mixed(
    server: OwnRedis, cache: RedisCache
) -> None:
    first, second = claim_key(), claim_key()
    await works_again(cache)
    assert await server.says("SET", first.text, "first")
    assert await server.says("SET", second.text, "second")
    server.signal(signal.SIGSTOP)
    with structlog.testing.capture_logs() as logs:
        await nothing_comes_of(cache, first)
        server.signal(signal.SIGCONT)
        await works_again(cache)
    assert [log["event"] for log in logs][:2] == ["cache-away", "cache-back"]

    async def right() -> bool:
        return await cache.get(second) == b"second"

    await until(right, "the second key has the second value")
    assert await cache.get(first) in (b"first", None)


async def test_a_server_that_was_never_there_or_is_killed_is_found_when_it_comes(
    server: OwnRedis, cache: RedisCache
) -> None:
    server.stack.kill("redis")
    errors, skipped = counted("get", "error"), counted("get", "skipped")
    await nothing_comes_of(cache, claim_key())
    assert counted("get", "error") > errors
    assert counted("get", "skipped") > skipped
    server.stack.up(infrastructure_only=True)
    await works_again(cache)
    server.stack.kill("redis")
    await nothing_comes_of(cache, claim_key())
    server.stack.up(infrastructure_only=True)
    await works_again(cache)


async def test_flushed_is_a_miss(server: OwnRedis, patient: RedisCache) -> None:
    key = claim_key()
    assert await patient.set(key, b"OPEN", MINUTE_SECONDS)
    hits, misses = counted("get", "hit"), counted("get", "miss")
    assert await patient.get(key) == b"OPEN"
    await server.says("FLUSHALL")
    assert await patient.get(key) is None
    assert (counted("get", "hit") - hits, counted("get", "miss") - misses) == (1, 1)
    assert await patient.set_if_absent(key, b"OPEN", MINUTE_SECONDS)


async def test_a_value_of_another_type_is_a_miss_of_this_key_alone(
    server: OwnRedis, patient: RedisCache
) -> None:
    foreign, ours = claim_key(), claim_key()
    await server.says("RPUSH", foreign.text, "a", "b")
    assert await patient.set(ours, b"OPEN", MINUTE_SECONDS)
    errors = counted("get", "error")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert await patient.get(foreign) is None
            assert await patient.get(ours) == b"OPEN", "one key's trouble is not the server's"
    assert counted("get", "error") - errors == 3
    assert [log["event"] for log in logs] == ["cache-command-refused"]
    assert not await patient.set_if_absent(foreign, b"OPEN", MINUTE_SECONDS)
    assert await patient.set(foreign, b"OPEN", MINUTE_SECONDS), "ours again"
    assert await patient.get(foreign) == b"OPEN"


async def test_a_full_server_stores_nothing_and_is_still_read(
    server: OwnRedis, patient: RedisCache
) -> None:
    key = claim_key()
    assert await patient.set(key, b"OPEN", MINUTE_SECONDS)
    await server.says("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1")
    assert not await patient.set(claim_key(), b"OPEN", MINUTE_SECONDS)
    assert await patient.get(key) == b"OPEN"


async def test_a_wrong_password_is_a_server_that_is_away(server: OwnRedis) -> None:
    await server.says("CONFIG", "SET", "requirepass", "right")
    for user in ("", ":wrong@"):
        cache = RedisCache.open(server.url.replace("://", f"://{user}"))
        with structlog.testing.capture_logs() as logs:
            await nothing_comes_of(cache, claim_key())
        assert [log["event"] for log in logs] == ["cache-away"]
        assert "wrong" not in str(logs).replace("WRONGPASS", "")
        await cache.close()
    right = RedisCache.open(server.url.replace("://", "://:right@"), bounds=PATIENT)
    await works_again(right)
    await right.close()


async def test_a_database_that_is_not_there_is_a_server_that_is_away(server: OwnRedis) -> None:
    cache = RedisCache.open(server.url.removesuffix("/0") + "/9999")
    await nothing_comes_of(cache, claim_key())
    await cache.close()


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
async def test_what_is_no_redis_does_no_harm(junk: bytes | None) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if junk is None:
            await reader.read()  # until the other side gives up
        else:
            writer.write(junk)
        writer.close()

    impostor = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = impostor.sockets[0].getsockname()[1]
    cache = RedisCache.open(f"redis://127.0.0.1:{port}/0", bounds=CacheBounds(0.05, 0.01))
    async with impostor:
        for _ in range(5):
            await nothing_comes_of_briefly(cache)
    await cache.close()


async def nothing_comes_of_briefly(cache: RedisCache) -> None:
    """One read and one write that are answered by nobody."""
    assert await cache.get(claim_key()) is None
    assert not await cache.set(claim_key(), b"OPEN", MINUTE_SECONDS)


async def test_more_calls_than_connections_wait_their_turn(patient: RedisCache) -> None:
    key = claim_key()
    assert await patient.set(key, b"OPEN", MINUTE_SECONDS)
    answers = await asyncio.gather(*(patient.get(key) for _ in range(1_000)))
    assert set(answers) == {b"OPEN"}


async def test_callers_that_give_up_leave_their_connections(
    server: OwnRedis, patient: RedisCache
) -> None:
    key = claim_key()
    assert await patient.set(key, b"OPEN", MINUTE_SECONDS)
    for turn in range(10):
        server.signal(signal.SIGSTOP)
        calls = [asyncio.create_task(patient.get(key)) for _ in range(3 * CONNECTIONS_MAX)]
        for _ in range(turn):
            await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        server.signal(signal.SIGCONT)
    answers = await asyncio.gather(*(patient.get(key) for _ in range(3 * CONNECTIONS_MAX)))
    assert set(answers) == {b"OPEN"}


async def test_without_an_address_there_is_no_cache_and_no_trouble() -> None:
    cache = RedisCache.open("")
    with structlog.testing.capture_logs() as logs:
        await nothing_comes_of(cache, claim_key())
        await cache.close()
    assert logs == []


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("localhost:6379", ""),
        ("http://:secret@localhost:6379", ""),
        ("redis://:secret@localhost:port/0", ""),
        ("redis://localhost/0?db=x", ""),
        ("redis://localhost/0?surprise=1", ""),
        ("redis://localhost/0", "w 1:"),
    ],
)
async def test_settings_that_cannot_work_are_named_at_the_start(url: str, prefix: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="DICT_REDIS_") as failure:
        RedisCache.open(url, prefix)
    assert "secret" not in str(failure.value)
