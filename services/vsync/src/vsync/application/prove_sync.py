"""The first and the last of a run: whom it is for, what was proven before, DICT's word, and whether
our own reports have been read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.directory import CallContext
from vsync.application.bacen import Bacen
from vsync.application.sync_ports import LocalVSync, RunStore
from vsync.application.sync_process import (
    OVERLAP,
    Pace,
    RunRef,
    Started,
    SyncPlan,
    SyncStart,
    Verified,
    VerifyStep,
    VSyncInput,
)
from vsync.application.telling import Telling, cause_of
from vsync.domain.entry import EntrySet
from vsync.domain.events import SyncStarted
from vsync.domain.sync_run import SyncType

FoldDiffered = Callable[[EntrySet, LocalVSync], None]


class ReportsUnread(Unavailable):
    """Reports from before the run wait at the broker: what differs may be our own delay."""

    def __init__(self) -> None:
        super().__init__(
            "reports-unread", "entry.report has a backlog from before the run: see vsync-consumer"
        )


class ReportBacklog(Protocol):
    """What the broker holds of `entry.report` that was not read yet."""

    async def oldest_unread(self) -> datetime | None:
        """Publish time of the oldest; None if there is none. Raises Unavailable, also where nobody
        consumes."""


@dataclass(frozen=True)
class SyncPolicy:
    """What an installation decides. `work_dir`: where files of millions of lines lie while they are
    compared."""

    participants: frozenset[str]
    sets_at_once: int
    files_a_day: int
    pace: Pace
    file_poll: timedelta
    file_deadline: timedelta
    work_dir: Path


def call_context(run: RunRef, operation: str, number: int | str) -> CallContext:
    """Of a run's call to the Bridge."""
    return CallContext(
        run.call(operation, number), str(run.run_id), run.workflow_id, run.workflow_run_id
    )


class ProveSync:
    """Beginning, verification and end of a run. Raises Unavailable."""

    def __init__(
        self,
        runs: RunStore,
        bacen: Bacen,
        backlog: ReportBacklog,
        telling: Telling,
        policy: SyncPolicy,
        on_fold: FoldDiffered,
    ) -> None:
        self._runs = runs
        self._bacen = bacen
        self._backlog = backlog
        self._telling = telling
        self._policy = policy
        self._on_fold = on_fold

    def plan(self, asked: VSyncInput) -> SyncPlan:
        """Whom the run is for. Raises InputRefused."""
        if asked.sync_type not in frozenset(SyncType):
            raise InputRefused("sync-type-unknown", "sync_type must be INCREMENTAL or FULL")
        ours = self._policy.participants
        if asked.participant_ispb and asked.participant_ispb not in ours:
            raise InputRefused(
                "participant-unknown",
                "participant_ispb is none of ours: add it to VSYNC_PARTICIPANTS, or leave it empty "
                "for all",
            )
        chosen = [asked.participant_ispb] if asked.participant_ispb else sorted(ours)
        return SyncPlan(chosen, self._policy.sets_at_once)

    async def start(self, start: SyncStart) -> Started:
        """The run's row and `vsync.started`, once."""
        run = start.run
        cause = cause_of(run, "started", run.started_at)
        last_ok_at = await self._runs.proven_before(run)
        event = SyncStarted(
            run_id=str(run.run_id),
            participant=run.participant,
            key_type=run.key_type,
            sync_type=run.sync_type,
            last_ok_at=last_ok_at,
            started_at=run.started_at,
        )
        events = await self._telling.run(cause, event.NAME, event)
        await self._runs.start(run, start.since, events)
        overlapped = None if last_ok_at is None else last_ok_at - OVERLAP
        return Started(self._policy.pace, start.since or overlapped)

    async def await_reports(self, run: RunRef) -> None:
        """Raises ReportsUnread until all that Core had reported when the run began was read."""
        oldest = await self._backlog.oldest_unread()
        if oldest is not None and oldest <= run.started_at:
            raise ReportsUnread

    async def verify(self, step: VerifyStep) -> Verified:
        """Our VSync, computed now, before DICT. Raises DirectoryRefused, DirectoryUnreachable."""
        run = step.run
        local = await self._runs.local_vsync(run.set)
        if local.fold_differed:
            self._on_fold(run.set, local)
        context = call_context(run, "CreateSyncVerification", step.number)
        ok = await self._bacen.verify(run.set, local.vsync, context)
        proven_at = local.at if ok else step.explained_at
        await self._runs.verified(run.run_id, local, ok, proven_at)
        return Verified(proven_at is not None, local.vsync.hex(), local.keys)
