"""A world: a tenant, a database, a task queue and a simulator of its own on the shared servers.

Everything comes from Settings, so a world is a set of environment variables. Processes of ours are
started in it as a platform would start them, and can be killed.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from temporalio.client import Client

from devstack.cast import CLAIMER, Operator
from devstack.stack import Stack
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.secrecy.keysets import KeysetFolder
from tests.support.processes import OwnProcess, free_address, start_process

TEMPLATE = "dict_template"
MODULES = {
    "simulator": "bridge_simulator",
    "consumer": "claim_orchestrator.entrypoints.consumer",
    "worker": "claim_orchestrator.entrypoints.worker",
    "relay": "claim_orchestrator.entrypoints.relay",
    "sink": "audit_sink.entrypoints.sink",
    "second-sink": "audit_sink.entrypoints.sink",
    "older-sink": "tests.support.older_sink",
    "desk": "audit_sink.entrypoints.consumer",
    "desk-relay": "audit_sink.entrypoints.relay",
    "replayer": "audit_sink.entrypoints.replayer",
    "vsync": "vsync.entrypoints.consumer",
    "vsync-worker": "vsync.entrypoints.worker",
    "vsync-relay": "vsync.entrypoints.relay",
}


@dataclass
class World:
    """Where a test lives. `environment` is what every process of it is given."""

    environment: dict[str, str]
    folder: Path
    processes: dict[str, OwnProcess] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Starts processes of ours and waits until they are ready."""
        self.start_unready(*names)
        for name in names:
            self.processes[name].wait_ready()

    def start_unready(self, *names: str) -> None:
        """Starts processes of ours."""
        for name in names:
            extra = {"DICT_PROBE_ADDRESS": free_address()}
            log = self.folder / f"{name}.log"
            self.processes[name] = start_process(
                MODULES[name], self.environment | extra, log, grpc=name == "simulator"
            )

    def kill(self, name: str) -> None:
        """SIGKILL, and waits until it is gone."""
        self.processes.pop(name).kill()

    def stop(self, name: str) -> int:
        """SIGTERM; answers the exit status."""
        return self.processes.pop(name).stop()

    def end(self) -> None:
        """Stops whatever runs."""
        for name in list(self.processes):
            self.stop(name)

    def dictctl(
        self, *arguments: str, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What an operator would type."""
        return Operator(self.environment).types(*arguments, given=given)

    def dictctl_json(self, *arguments: str) -> Any:
        """The JSON that a verb prints; an assertion error with its stderr if it fails."""
        done = self.dictctl(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    async def start_dictctl(self, *arguments: str) -> asyncio.subprocess.Process:
        """A verb that goes on beside the test; its output is read from the pipes."""
        with _as_at_a_terminal():
            return await asyncio.create_subprocess_exec(
                str(Path(sys.executable).parent / "dictctl"),
                *arguments,
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )

    async def connect(self, role: str = "postgres") -> "asyncpg.Connection[Any]":
        """A connection to the world's database."""
        return await connect(self.environment, role)

    async def temporal(self) -> Client:
        """A client of the world's Temporal that reads what the worker has sealed."""
        environment = self.environment
        keys = KeysetFolder(Path(environment["DICT_KEYS_DIR"]))
        return await connect_temporal(
            TemporalConnection(
                environment["DICT_TEMPORAL_ADDRESS"],
                environment["DICT_TEMPORAL_NAMESPACE"],
                keys.private("temporal-codec"),
            )
        )


@contextmanager
def _as_at_a_terminal() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and hands that on; a handler is not.

    Not in the child: code between fork and exec makes gRPC's threads meet in a process of its own.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def connect(
    environment: Mapping[str, str], role: str, database: str | None = None
) -> "asyncpg.Connection[Any]":
    """A connection as a role, passwords from the stack's pgpass file."""
    url = urlsplit(environment["DICT_POSTGRES_URL"])
    if database is not None:
        url = url._replace(path=f"/{database}")
    return await asyncpg.connect(
        urlunsplit(url), user=role, passfile=environment["PGPASSFILE"], timeout=30
    )


@contextmanager
def make_world(stack: Stack, folder: Path, **settings: str) -> Iterator[World]:
    """A world on the shared stack, ended (processes stopped) at the end."""
    base = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    } | stack.environment()
    name = f"w{uuid4().hex[:12]}"
    url = urlsplit(base["DICT_POSTGRES_URL"])
    environment = base | {
        "DICT_POSTGRES_URL": urlunsplit(url._replace(path=f"/{name}")),
        "DICT_PULSAR_TENANT": name,
        "DICT_TEMPORAL_TASK_QUEUE": name,
        "DICT_REDIS_PREFIX": f"{name}:",
        "DICT_KEYS_DIR": str(folder / "keys"),
        "DICT_BRIDGE_ADDRESS": free_address(),
        "BRIDGE_SIMULATOR_STATE": str(folder / "dict.db"),
        "DICT_CLAIM_DAY_SECONDS": "2",
        "DICT_TOPIC_PARTITIONS": "2",
        "CLAIM_ORCHESTRATOR_PARTICIPANTS": CLAIMER,
        "VSYNC_PARTICIPANTS": CLAIMER,
        "VSYNC_TASK_QUEUE": f"{name}-vsync",
        "VSYNC_BETWEEN_TRIES_SECONDS": "0.2",
        "VSYNC_SETTLE_SECONDS": "0.5",
        "VSYNC_FILE_POLL_SECONDS": "0.2",
        "VSYNC_WORK_DIR": str(folder / "vsync"),
        "PYTHONUNBUFFERED": "1",
    }
    environment["BRIDGE_SIMULATOR_ADDRESS"] = environment["DICT_BRIDGE_ADDRESS"]
    world = World(environment | settings, folder)
    _prepare(world, name)
    try:
        yield world
    finally:
        world.end()


def _prepare(world: World, name: str) -> None:
    _run(world, sys.executable, "-m", "dict_common.secrecy.development", str(world.folder / "keys"))
    template = world.environment["DICT_POSTGRES_URL"].replace(f"/{name}", f"/{TEMPLATE}")
    on_template = World(world.environment | {"DICT_POSTGRES_URL": template}, world.folder)
    for verb in ("roles", "migrate"):  # both do nothing when there is nothing to do
        _succeeds(on_template.dictctl("db", verb))
    _run(
        world,
        sys.executable,
        "-m",
        "tests.support.clone_database",
        world.environment["DICT_POSTGRES_URL"],
        TEMPLATE,
        cwd=Path(__file__).resolve().parents[2],
    )
    _succeeds(world.dictctl("topics", "apply"))
    _succeeds(world.dictctl("temporal", "apply"))


def _run(world: World, *command: str, cwd: Path | None = None) -> None:
    _succeeds(
        subprocess.run(
            command,
            env=world.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd,
        )
    )


def _succeeds(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
