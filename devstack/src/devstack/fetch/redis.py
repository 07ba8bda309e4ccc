"""Redis 7: PATH, else Debian's `redis-tools`, which holds the server without a daemon."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.fetch.cache import Cache
from devstack.fetch.debian import library_path, unpack_packages

FOLDER = "redis-debian-7"
VERSION_MIN = 7
ASK_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class RedisServer:
    """The server program and where its libraries lie (empty: where the system keeps them)."""

    program: Path
    libraries: str = ""


def redis_server(cache: Cache) -> RedisServer:
    """A Redis server of version 7 or newer. May download 3 MB."""
    found = shutil.which("redis-server")
    if found is not None and (_major(found) or 0) >= VERSION_MIN:
        return RedisServer(Path(found))

    def make(folder: Path) -> None:
        unpack_packages(cache, folder, "redis-tools")
        # One binary; it takes its job from the name it is called by.
        (folder / "redis-server").symlink_to("usr/bin/redis-check-rdb")

    folder = cache.ensure(FOLDER, make)
    return RedisServer(folder / "redis-server", library_path(folder))


def _major(program: str) -> int | None:
    done = subprocess.run(
        [program, "--version"],
        capture_output=True,
        text=True,
        timeout=ASK_TIMEOUT_SECONDS,
        check=False,
        env=dict(os.environ),
    )
    found = re.search(r"v=(\d+)\.", done.stdout)
    return int(found.group(1)) if found else None
