"""P12: planted personal data stands in clear in no dump.

Looked through are: a logical dump of PostgreSQL, every message of every topic (key, properties,
body), every key and value of Redis, and the bytes of every file of the run folder: Temporal's
database, Pulsar's ledgers, logs. Left out are the keysets and the simulator's state, which is
Bacen's side.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis

from devstack.promises import SHOWN_MAX, Promise
from devstack.topic_dump import dump_topics

CHUNK_BYTES = 1 << 22
DUMP_SECONDS_MAX = 300
STEM_BYTES = 4


def look_for(
    values: Iterable[str], environment: Mapping[str, str], run_folder: Path, pg_dump: Path
) -> Promise:
    """Searches every dump for the values. Raises CalledProcessError, OSError, PulsarException."""
    needles = Needles(values)
    found: list[str] = []
    looked = 0
    for where, content in _dumps(environment, run_folder, pg_dump):
        looked += len(content)
        found += [f"{name} in {where}" for name in needles.found_in(content)]
    return Promise(
        "P12",
        "no planted name, CPF, phone or e-mail in any dump",
        f"{looked / 1e6:.0f} MB of tables, topics, Redis, Temporal's database and logs",
        tuple(dict.fromkeys(found))[:SHOWN_MAX],
    )


def look_in_files(values: Iterable[str], folder: Path) -> tuple[str, ...]:
    """What was found in the files of a folder alone, where another has the rest."""
    needles = Needles(values)
    found = [
        f"{name} in {where}"
        for path in files(folder)
        for where, content in _file(path, folder)
        for name in needles.found_in(content)
    ]
    return tuple(dict.fromkeys(found))[:SHOWN_MAX]


class Needles:
    """Thousands of values in one pass: only where one may begin is looked closer."""

    def __init__(self, values: Iterable[str]) -> None:
        self._names = {needle: name for name, needle in needles_of(values)}
        self._lengths = sorted({len(needle) for needle in self._names})
        stems = sorted({re.escape(needle[:STEM_BYTES]) for needle in self._names})
        self._begins = re.compile(b"(?=%s)" % b"|".join(stems))

    def found_in(self, content: bytes) -> list[str]:
        """Names of the values in it, each once."""
        if not self._names:
            return []
        found: dict[str, None] = {}
        for begin in self._begins.finditer(content):
            for length in self._lengths:
                name = self._names.get(content[begin.start() : begin.start() + length])
                if name is not None:
                    found[name] = None
        return list(found)


def needles_of(values: Iterable[str]) -> tuple[tuple[str, bytes], ...]:
    """Each value as text and as JSON escapes; a finding names its number, not the value."""
    return tuple(
        (f"planted value {number}", text.encode())
        for number, value in enumerate(values, start=1)
        for text in sorted({value, json.dumps(value)[1:-1]})
    )


def _dumps(
    environment: Mapping[str, str], run_folder: Path, pg_dump: Path
) -> Iterator[tuple[str, bytes]]:
    yield "PostgreSQL", _postgres(environment, pg_dump)
    url, tenant = environment["DICT_PULSAR_URL"], environment["DICT_PULSAR_TENANT"]
    for message in dump_topics(url, tenant):
        clear = json.dumps([message.key, message.properties], ensure_ascii=False).encode()
        yield f"topic {message.topic.namespace}/{message.topic.name}", clear + message.body
    yield "Redis", _redis(environment)
    for path in files(run_folder):
        yield from _file(path, run_folder)


def files(run_folder: Path) -> Iterator[Path]:
    """Every file of ours below the run folder."""
    for folder, _, names in os.walk(run_folder):
        for name in names:
            path = Path(folder) / name
            inside = path.relative_to(run_folder)
            bacens = inside.parts[0] == "data" and name.startswith("bridge-simulator")
            if inside.parts[0] not in ("keys", "test", "pgpass") and not bacens and path.is_file():
                yield path


def _file(path: Path, run_folder: Path) -> Iterator[tuple[str, bytes]]:
    """The file in chunks that overlap, so that nothing hides on a border."""
    overlap = 256
    try:
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(CHUNK_BYTES):
                yield f"file {path.relative_to(run_folder)}", tail + chunk
                tail = chunk[-overlap:]
    except FileNotFoundError:
        return  # a server has just removed it


def _postgres(environment: Mapping[str, str], pg_dump: Path) -> bytes:
    url = urlsplit(environment["DICT_POSTGRES_URL"])
    target = urlunsplit(url._replace(netloc=f"postgres@{url.netloc}"))
    done = subprocess.run(
        [str(pg_dump), "--dbname", target, "--no-owner"],
        env={**os.environ, "PGPASSFILE": environment["PGPASSFILE"]},
        capture_output=True,
        timeout=DUMP_SECONDS_MAX,
        check=True,
    )
    return done.stdout


def _redis(environment: Mapping[str, str]) -> bytes:
    with redis.Redis.from_url(environment["DICT_REDIS_URL"]) as server:
        parts = []
        for key in server.scan_iter(count=1_000):
            parts += [key, server.dump(key) or b""]
        return b"\n".join(parts)
