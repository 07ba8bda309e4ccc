"""Redis 7: PATH, else Debian's `redis-tools`, which holds the server without a daemon."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from devstack.fetch.cache import Cache
from devstack.fetch.debian import library_path, unpack_packages

PROGRAM = "redis-server"
FOLDER = "redis-debian-7"
VERSION_MIN = 7
ASK_TIMEOUT_SECONDS = 10


def redis_server(cache: Cache) -> Path:
    """A Redis server of version 7 or newer. May download 3 MB."""
    found = shutil.which(PROGRAM)
    if found is not None and (_major(found) or 0) >= VERSION_MIN:
        return Path(found)

    def make(folder: Path) -> None:
        unpack_packages(cache, folder, "redis-tools")
        # One binary; it takes its job from the name it is called by.
        (folder / PROGRAM).symlink_to("usr/bin/redis-check-rdb")

    return cache.ensure(FOLDER, make) / PROGRAM


def libraries(program: Path) -> str:
    """LD_LIBRARY_PATH for it: where we unpacked its libraries, empty for the system's own."""
    return library_path(program.parent) if program.parent.name == FOLDER else ""


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
