"""A world of VSYNC in which each seed has a participant of its own: its sets, its buckets."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import ResetStickyTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from devstack.stack import Stack
from dict_common.kernel.pix_key import KeyType
from tests.faults.stage import Stage, Watch, make_stage
from tests.faults.vsync.plan import OURS
from tests.support.world import World
from vsync.application.sync_process import (
    COMPARE_ENTRIES,
    REQUEST_CID_FILE,
    number_of,
    participant_workflow_id,
    set_workflow_id,
)
from vsync.domain.entry import EntrySet

SEEDS_MAX = 16
"""A world has room for so many."""
STOPPED_AT_ATTEMPT = 3
"""An operator looks at a file that is wrong so often, and stops the run."""
DAY_AGO = "UPDATE vsync.cid_files SET requested_at = requested_at - interval '2 days'"


@dataclass
class VsyncStage:
    """`inner`: its processes and servers. `waiting`: participants that no seed has had; `dead`:
    workers that were killed, by their process."""

    inner: Stage
    waiting: list[str]
    dead: set[int] = field(default_factory=set)

    @property
    def world(self) -> World:
        """Where it all happens."""
        return self.inner.world

    async def next_participant(self, watch: Watch) -> str:
        """One that no seed had before; what seeds before it have ordered was another day's."""
        await watch.rows(DAY_AGO)
        return self.waiting.pop(0)

    async def kill(self, target: str) -> None:
        """SIGKILL; it stays away until `start`."""
        process = self.world.processes.get(target)
        if target == "vsync-worker" and process is not None:
            self.dead.add(process.process.pid)
        await self.inner.kill(target)

    async def start(self, target: str) -> None:
        """Starts it again."""
        await self.inner.start(target)

    async def restart_dict(self) -> None:
        """A simulator that was started anew has full buckets."""
        await self.inner.kill("simulator")
        await self.inner.start("simulator")
        await self.inner.ready()


@dataclass
class Engine:
    """What Temporal would find out by itself within minutes, told to it at once: which steps had
    a worker that is dead. And an operator, who stops a run that tries in vain."""

    stage: VsyncStage
    participant: str
    command_id: UUID
    stops: bool
    _client: Client | None = None

    async def look(self) -> None:
        """Once over the participant's workflows."""
        if not self.stage.dead and not self.stops:
            return
        with suppress(RPCError, RuntimeError, OSError):
            if self._client is None:
                self._client = await self.stage.world.temporal()
            for name in self._names():
                with suppress(RPCError):
                    await self._look_at(self._client, name)

    def _names(self) -> Sequence[str]:
        day, number = datetime.now(UTC).date(), number_of(self.command_id)
        sets = [EntrySet(self.participant, it) for it in KeyType]
        return [
            participant_workflow_id(self.participant, day, number),
            *map(set_workflow_id, sets),
        ]

    async def _look_at(self, client: Client, name: str) -> None:
        handle = client.get_workflow_handle(name)
        described = await handle.describe()
        if described.status is not WorkflowExecutionStatus.RUNNING:
            return
        for pending in described.raw_description.pending_activities:
            if self._is_dead(pending):
                step = client.get_async_activity_handle(
                    workflow_id=name, run_id=described.run_id, activity_id=pending.activity_id
                )
                await step.fail(ApplicationError("its worker was killed", type="worker-died"))
            await self._stop(handle, pending)
        if self.stage.dead:
            await client.workflow_service.reset_sticky_task_queue(
                ResetStickyTaskQueueRequest(
                    namespace=client.namespace,
                    execution=described.raw_description.workflow_execution_info.execution,
                )
            )

    def _is_dead(self, pending: PendingActivityInfo) -> bool:
        started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        names = {f"{pid}@{socket.gethostname()}" for pid in self.stage.dead}
        return pending.state == started and pending.last_worker_identity in names

    async def _stop(
        self, handle: "WorkflowHandle[object, object]", it: PendingActivityInfo
    ) -> None:
        if (
            self.stops
            and it.activity_type.name in (REQUEST_CID_FILE, COMPARE_ENTRIES)
            and it.attempt >= STOPPED_AT_ATTEMPT
        ):
            await handle.cancel()


@contextmanager
def make_vsync_stage(stack: Stack, folder: Path, *, servers: bool = False) -> Iterator[VsyncStage]:
    """All processes of VSYNC, for participants that no other world asks about."""
    # Worlds share Temporal's namespace, where a set has one workflow.
    first = 70_000_000 + uuid4().int % 100_000 * SEEDS_MAX
    names = [str(first + number) for number in range(SEEDS_MAX)]
    with make_stage(
        stack, folder, servers=servers, ours=OURS, VSYNC_PARTICIPANTS=",".join(names)
    ) as inner:
        yield VsyncStage(inner, names)
