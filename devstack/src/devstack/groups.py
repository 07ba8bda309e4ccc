"""Starts, finds and ends process groups. Never touches a process that we did not start."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from devstack.state import ProcessRecord

CREATED_TOLERANCE_SECONDS = 0.5
POLL_SECONDS = 0.05
KILL_SECONDS = 10.0
ORPHAN_SECONDS = 1.0  # what outlives its leader gets no longer than this
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Children of this very process stay zombies until we ask for their exit status.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Command:
    """How a process is started. `environment` is all it gets beside what `start` passes on."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Path | None = None  # when argv[0] must have another name than the program
    stop_signal: signal.Signals = signal.SIGTERM
    code: str = ""  # a digest of what the program is made of, where that changes from day to day

    def fingerprint(self) -> str:
        """Changes when command, environment or code do."""
        text = json.dumps([self.argv, sorted(self.environment.items()), self.code])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def start(command: Command, log: Path, folder: Path) -> ProcessRecord:
    """Starts the command as leader of a new session, output appended to `log`.

    Raises OSError when the program cannot be run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command.argv),
            executable=command.program,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**without_stack_variables(os.environ), **command.environment},
            cwd=folder,
            start_new_session=True,
        )
    _children[process.pid] = process
    created = psutil.Process(process.pid).create_time()
    return ProcessRecord(process.pid, created, boot_id(), command.fingerprint())


def is_running(record: ProcessRecord) -> bool:
    """Whether the leader lives (a zombie does not)."""
    return _leader(record) is not None


def members(record: ProcessRecord) -> list[psutil.Process]:
    """All living processes of the group, also when the leader has gone, and its descendants.

    PostgreSQL's children lead sessions of their own: they are found as long as their parent lives.
    """
    if record.boot != boot_id():
        return []
    _reap(record.pid)
    leader = _leader(record)
    found = set(_descendants(leader)) if leader is not None else set()
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) != record.pid or os.getsid(pid) != record.pid:
                continue
            process = psutil.Process(pid)
            if pid == record.pid and not _same(process, record):
                return []  # the number went to somebody else, and so did the group
            if not _is_zombie(process):
                found.add(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return sorted(found, key=lambda process: process.pid)


def stop(record: ProcessRecord, how: signal.Signals, grace_seconds: float) -> bool:
    """Asks the leader to end, waits, then kills what is left of the group.

    Returns whether it ended by itself within `grace_seconds`. Blocks as long.
    """
    leader = _leader(record)
    if leader is None:
        kill(record)
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        leader.send_signal(how)
    clean = _wait_until(lambda: not is_running(record), grace_seconds)
    if not _wait_until(lambda: not members(record), ORPHAN_SECONDS if clean else 0.0):
        kill(record)
    return clean


def kill(record: ProcessRecord) -> None:
    """SIGKILL to all of the group, returns when nothing of it is left (at most 10 s)."""
    kill_processes(members(record))
    _wait_until(lambda: not members(record), KILL_SECONDS)


def kill_processes(processes: Sequence[psutil.Process]) -> None:
    """SIGKILL to these, returns when they have ended (at most 10 s)."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_until(lambda: not any(_lives(process) for process in processes), KILL_SECONDS)


def working_in(folder: Path, name: str) -> list[psutil.Process]:
    """Living processes of the program `name` that work in this folder, whoever started them."""
    wanted = str(folder.resolve())
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == name and process.cwd() == wanted and _lives(process):
                found.append(process)
    return found


def boot_id() -> str:
    """Of this boot of the machine; empty where the kernel tells none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def without_stack_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would make a program behave otherwise from shell to shell."""
    dropped = ("DICT_", "PULSAR_", "PG", "TEMPORAL_", "BRIDGE_SIMULATOR_", "JAVA_", "PYTEST_")
    return {key: value for key, value in environ.items() if not key.startswith(dropped)}


def _leader(record: ProcessRecord) -> psutil.Process | None:
    if record.boot != boot_id():
        return None
    _reap(record.pid)
    try:
        process = psutil.Process(record.pid)
        alive = _same(process, record) and not _is_zombie(process)
    except psutil.Error:
        return None
    return process if alive else None


def _descendants(leader: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in leader.children(recursive=True) if _lives(child)]
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        _reap(process.pid)
        return process.is_running() and not _is_zombie(process)
    except psutil.Error:
        return False


def _is_zombie(process: psutil.Process) -> bool:
    """Whether it has ended and only its exit status is left.

    A Java process shows as a zombie already while its other threads are being torn down and its
    ports are still taken.
    """
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def _same(process: psutil.Process, record: ProcessRecord) -> bool:
    return bool(abs(process.create_time() - record.created) < CREATED_TOLERANCE_SECONDS)


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause.wait(POLL_SECONDS)
    return True
