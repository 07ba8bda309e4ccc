"""Brings parts up side by side, each as soon as those it needs answer, and down again."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from devstack import groups
from devstack.failures import Cancelled, StackFailure, StartFailed
from devstack.layout import RunFolder
from devstack.parts.part import Part
from devstack.state import ProcessRecord, StateFile

POLL_SECONDS = 0.1
BLOCKED_SECONDS = 60.0
# How long a part that still runs may take to answer again (its own needs may have been restarted)
# before it is taken for hung and started anew.
RECOVER_SECONDS = 45.0
PARTS_MAX = 32
LOG_BYTES_MAX = 64 << 20  # a longer one is put aside at the next start; one old one is kept

Say = Callable[[str], None]


@dataclass(frozen=True)
class Starter:
    """Starts parts of one stack and keeps their records; `began` lists what this one started."""

    run: RunFolder
    state: StateFile
    say: Say
    cancelled: threading.Event
    began: list[Part] = field(default_factory=list)

    def bring_up(self, parts: Sequence[Part]) -> None:
        """Returns when all answer. Blocks.

        Raises the first StackFailure after all others came up or failed too. Ctrl-C in the main
        thread ends the wait; the caller stops what was begun.
        """
        with ThreadPoolExecutor(max_workers=PARTS_MAX) as pool:
            futures: dict[str, Future[None]] = {}
            for part in parts:  # a part stands behind those it needs, so their futures exist
                needed = [futures[name] for name in part.needs if name in futures]
                futures[part.name] = pool.submit(self._bring_up_one, part, needed)
            try:
                pending: set[Future[None]] = set(futures.values())
                while pending:  # in short steps: a thread that only waits does not see Ctrl-C
                    _, pending = wait(pending, timeout=POLL_SECONDS)
            except BaseException:
                self.cancelled.set()
                raise
        failures = [failure for future in futures.values() if (failure := future.exception())]
        for failure in sorted(failures, key=lambda found: isinstance(found, _NeedFailed)):
            raise failure

    def _bring_up_one(self, part: Part, needed: Sequence[Future[None]]) -> None:
        for future in needed:
            if future.exception() is not None:
                raise _NeedFailed(f"{part.name} was not started: what it needs did not come up.")
        began_at = time.monotonic()
        record = self.state.read().processes.get(part.name)
        if record is not None and self._keep(part, record):
            return
        self.launch(part, record)
        self.say(f"  {part.name}: ready in {time.monotonic() - began_at:.1f} s, port {part.port}")

    def _keep(self, part: Part, record: ProcessRecord) -> bool:
        """Whether the running process can stay: it runs what we would start, and answers."""
        if not groups.is_running(record):
            return False
        if record.fingerprint == part.command().fingerprint():
            deadline = time.monotonic() + RECOVER_SECONDS
            while groups.is_running(record) and time.monotonic() < deadline:
                if part.probe() is None:
                    return True
                self._pause()
        if groups.is_running(record):
            self.say(f"  {part.name}: started anew, since it runs something old or hangs")
            groups.stop(record, part.command().stop_signal, part.grace_seconds)
        return False

    def launch(self, part: Part, before: ProcessRecord | None) -> None:
        """Starts one part and waits until it answers; on failure nothing of it is left."""
        if before is not None:
            groups.kill(before)  # children that outlived their leader
        part.prepare()
        blocked_until = time.monotonic() + BLOCKED_SECONDS
        while (reason := part.blocked()) is not None:
            if time.monotonic() > blocked_until:
                raise StackFailure(f"{part.name} cannot be started: {reason}.")
            self._pause()
        command = part.command()
        log = self.run.log(part.name)
        if log.is_file() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        self.began.append(part)
        try:
            record = groups.start(command, log, self.run.root)
        except OSError as problem:
            raise StackFailure(f"{part.name} cannot be started: {problem}") from problem
        self.state.update(lambda state: state.with_process(part.name, record))
        try:
            self._wait_ready(part, record)
            part.settle()
        except BaseException:
            groups.stop(record, command.stop_signal, 1.0)
            self.state.update(lambda state: state.without_process(part.name))
            raise

    def _wait_ready(self, part: Part, record: ProcessRecord) -> None:
        deadline = time.monotonic() + part.ready_seconds
        log = self.run.log(part.name)
        while True:
            if not groups.is_running(record):
                raise StartFailed(part.name, "ended while it was started", log)
            reason = part.probe()
            if reason is None:
                return
            if time.monotonic() > deadline:
                raise StartFailed(part.name, f"was not ready in time: it {reason}", log)
            self._pause()

    def _pause(self) -> None:
        if self.cancelled.wait(POLL_SECONDS):
            raise Cancelled

    def take_down(self, parts: Iterable[Part]) -> None:
        """Stops these parts side by side. Blocks for the longest grace among them."""
        records = self.state.read().processes
        chosen = {part.name: part for part in parts if part.name in records}
        with ThreadPoolExecutor(max_workers=PARTS_MAX) as pool:
            list(pool.map(lambda part: self._stop_one(part, records), chosen.values()))

    def _stop_one(self, part: Part, records: Mapping[str, ProcessRecord]) -> None:
        began_at = time.monotonic()
        record = records[part.name]
        was_running = groups.is_running(record)
        clean = groups.stop(record, part.command().stop_signal, part.grace_seconds)
        self.state.update(lambda state: state.without_process(part.name))
        if was_running:
            how = "stopped" if clean else f"killed, it did not end in {part.grace_seconds:.0f} s"
            self.say(f"  {part.name}: {how} ({time.monotonic() - began_at:.1f} s)")


class _NeedFailed(StackFailure):
    """Only a consequence: the failure of what was needed is shown instead."""
