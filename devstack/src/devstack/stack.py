"""The whole stack of one run folder: the API that `./dev`, tests and demo stories use."""

import fcntl
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from devstack import groups
from devstack.connections import DAY_SECONDS, connections, external_servers, replaced_parts
from devstack.envfile import read_env, write_env
from devstack.failures import Cancelled, StackFailure
from devstack.fetch.toolbox import FOR_TESTS_ALONE, PARTS, PROGRAMS, Toolbox
from devstack.layout import RunFolder, repository
from devstack.listeners import Listener, listeners
from devstack.parts import postgres, pulsar, redis, temporal, zookeeper
from devstack.parts.own import Own
from devstack.parts.part import Part, Site
from devstack.passwords import ROLES, keep_passwords
from devstack.ports import LOOPBACK, choose_ports
from devstack.preparation import STEPS, fingerprint, run_step
from devstack.processes import PROCESSES
from devstack.starting import Say, Starter
from devstack.state import StackState, StateFile

LOCK_POLL_SECONDS = 0.2
INFRASTRUCTURE = (zookeeper.NAME, pulsar.NAME, temporal.NAME, postgres.NAME, redis.NAME)
PART_NAMES = (*INFRASTRUCTURE, *(process.name for process in PROCESSES))
SECOND_PORTS: Mapping[str, tuple[str, ...]] = {
    pulsar.NAME: (pulsar.ADMIN,),
    temporal.NAME: (temporal.UI, temporal.HTTP, temporal.METRICS),
}
PORT_NAMES = (*PART_NAMES, *(port for ports in SECOND_PORTS.values() for port in ports))

Fetch = Callable[[threading.Event, frozenset[str]], Toolbox]


@dataclass(frozen=True)
class PartStatus:
    """One row of `./dev status`."""

    name: str
    state: Literal["running", "stopped", "ended", "external"]  # ended: not by us
    pid: int | None
    port: int | None
    rss_bytes: int


class Stack:
    """One stack, whose every file lies in `run_dir`. Two stacks in two folders never meet.

    Methods that change it hold the folder's lock, so two processes may call them at once; the
    second waits. `fetch` gets the programs (see `fetch.view`); `external` are servers that the
    user runs already, none for tests. Methods block, and `cancel` from another thread ends that.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        fetch: Fetch,
        say: Say = lambda _line: None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.run = RunFolder(run_dir.absolute())
        self._state = StateFile(self.run.state)
        self._fetch = fetch
        self._say = say
        self._environ = environ or {}
        self._cancelled = threading.Event()

    def up(self, *, infrastructure_only: bool = False, day_seconds: int | None = None) -> bool:
        """Starts what does not run and waits until everything answers.

        With `infrastructure_only` the servers alone; else also preparation (keysets, roles,
        tables, topics) and our own processes. `day_seconds` is how long a day of a claim lasts:
        None leaves a running stack as it is, and is a real day for one that is started.
        Returns False when there was nothing to do. Interrupted, it stops what it started. Raises
        StackFailure; then what answers goes on running.
        """
        with self._locked():
            site = self._site(day_seconds or self._running_day_seconds())
            starter = self._starter()
            try:
                starter.bring_up(self._infrastructure(site))
                did = bool(starter.began)
                if not infrastructure_only:
                    did = self._prepare(site, again=did) or did
                    starter.bring_up(self._own(site))
                return did or bool(starter.began)
            except (KeyboardInterrupt, Cancelled):
                self._say("Stopping what was started.")
                self._starter().take_down(starter.began)
                raise

    def prepare(self) -> None:
        """Keysets, roles, tables and topics, for a stack of which the infrastructure is up."""
        with self._locked():
            self._prepare(self._site(self._state.read().day_seconds), again=True)

    def down(self) -> bool:
        """Stops everything, our own processes first. Returns False when nothing ran."""
        if not self.run.root.is_dir():
            return False
        # A cancelled `up` of another thread still holds the lock while it stops what it started.
        with self._locked(cancellable=False):
            state = self._state.read()
            if not state.processes:
                return False
            running = any(groups.members(record) for record in state.processes.values())
            site = self._known_site(state)
            starter = self._starter()
            servers = self._infrastructure(site, with_replaced=True)
            starter.take_down(self._own(site))
            starter.take_down(part for part in servers if part.name != zookeeper.NAME)
            starter.take_down(part for part in servers if part.name == zookeeper.NAME)
            for name, record in self._state.read().processes.items():
                groups.kill(record)  # of a list that had another name
                self._say(f"  {name}: killed, it is no part of the stack any more")
            self._state.update(lambda known: replace(known, processes={}))
            return running

    def environment(self) -> dict[str, str]:
        """The variables that connect a program to this stack. Raises StackFailure before `up`."""
        values = read_env(self.run.env)
        if not values:
            raise StackFailure(f"There is no stack in {self.run.root} yet. Start it: ./dev up")
        return values

    def kill(self, name: str) -> None:
        """SIGKILL to all processes of a part, as a crash would; returns when they are gone."""
        record = self._state.read().processes.get(name)
        if record is None:
            raise StackFailure(f"{name} does not run. What runs: ./dev status")
        groups.kill(record)

    def start(self, name: str) -> None:
        """Starts one part anew when it does not run, and waits until it answers."""
        with self._locked():
            site = self._site(self._state.read().day_seconds)
            parts = [*self._infrastructure(site), *self._own(site)]
            chosen = [part for part in parts if part.name == name]
            if not chosen:
                raise StackFailure(f"There is no part {name}. Parts: {', '.join(PART_NAMES)}")
            self._starter().bring_up(chosen)

    def status(self) -> tuple[PartStatus, ...]:
        """One row for each part, in the order in which they start. Asks the kernel only."""
        state = self._state.read()
        replaced = replaced_parts(state.external)
        return tuple(self._status_of(name, state, replaced) for name in PART_NAMES)

    def listeners(self) -> list[Listener]:
        """All sockets that our processes listen on."""
        return listeners(self._state.read().processes)

    def log(self, name: str) -> Path:
        """Where the output of a part goes."""
        return self.run.log(name)

    def cancel(self) -> None:
        """Ends `up`, `prepare` or `start` of another thread: they raise Cancelled."""
        self._cancelled.set()

    def _starter(self) -> Starter:
        return Starter(self.run, self._state, self._say, self._cancelled)

    def _site(self, day_seconds: int) -> Site:
        """Chooses ports, passwords and variables and writes them; fetches programs."""
        before = self._state.read()
        external = external_servers(self._environ, before.external)
        missing = frozenset(PROGRAMS[part] for part in replaced_parts(external))
        tools = self._fetch(self._cancelled, missing | FOR_TESTS_ALONE)
        in_use = _ports_in_use(before)
        ports = choose_ports(PORT_NAMES, before.ports, in_use, random.SystemRandom())
        self._state.update(
            lambda state: replace(state, ports=ports, external=external, day_seconds=day_seconds)
        )
        fresh = {role: secrets.token_urlsafe(24) for role in ROLES}
        keep_passwords(self.run.pgpass, LOOPBACK, ports[postgres.NAME], ROLES, fresh)
        values = connections(self.run, ports, external, day_seconds)
        write_env(self.run.env, values)
        return Site(self.run, ports, tools, repository(), values)

    def _known_site(self, state: StackState) -> Site:
        """For stopping, which needs no programs."""
        tools = Toolbox(*[Path()] * len(PARTS))
        ports = {name: state.ports.get(name, 0) for name in PORT_NAMES}
        values = connections(self.run, ports, state.external, state.day_seconds)
        return Site(self.run, ports, tools, repository(), values)

    def _running_day_seconds(self) -> int:
        state = self._state.read()
        alive = any(groups.is_running(record) for record in state.processes.values())
        return state.day_seconds if alive else DAY_SECONDS

    def _infrastructure(self, site: Site, *, with_replaced: bool = False) -> list[Part]:
        parts: Sequence[Part] = (
            zookeeper.ZooKeeper(site),
            pulsar.Pulsar(site),
            temporal.Temporal(site),
            postgres.Postgres(site),
            redis.Redis(site),
        )
        replaced = replaced_parts(self._state.read().external)
        return [part for part in parts if with_replaced or part.name not in replaced]

    def _own(self, site: Site) -> list[Part]:
        return [Own(site, process) for process in PROCESSES]

    def _prepare(self, site: Site, *, again: bool) -> bool:
        wanted = fingerprint(site.repository, site.environment)
        if not again and self._state.read().prepared == wanted and self.run.keys.is_dir():
            return False
        for step in STEPS:
            run_step(step, self.run, site.environment, self._cancelled)
            self._say(f"  {step.name}: prepared")
        self._state.update(lambda state: replace(state, prepared=wanted))
        return True

    def _status_of(self, name: str, state: StackState, replaced: frozenset[str]) -> PartStatus:
        if name in replaced:
            return PartStatus(name, "external", None, None, 0)
        record = state.processes.get(name)
        port = state.ports.get(name)
        if record is None:
            return PartStatus(name, "stopped", None, port, 0)
        if not groups.is_running(record):
            return PartStatus(name, "ended", None, port, 0)
        rss_bytes = 0
        for process in groups.members(record):
            try:
                rss_bytes += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return PartStatus(name, "running", record.pid, port, rss_bytes)

    @contextmanager
    def _locked(self, *, cancellable: bool = True) -> Iterator[None]:
        self.run.root.mkdir(parents=True, exist_ok=True)
        with self.run.lock.open("w") as lock:
            told = False
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        self._say(f"Waiting for another command at work in {self.run.root}.")
                        told = True
                    if self._cancelled.is_set() and cancellable:
                        raise Cancelled from None
                    time.sleep(LOCK_POLL_SECONDS)
            os.set_inheritable(lock.fileno(), False)
            yield


def _ports_in_use(state: StackState) -> dict[str, int]:
    """Ports that our own running processes hold: they must not be chosen anew."""
    running = {name for name, record in state.processes.items() if groups.is_running(record)}
    for name in tuple(running):
        running.update(SECOND_PORTS.get(name, ()))
    return {name: port for name, port in state.ports.items() if name in running}
