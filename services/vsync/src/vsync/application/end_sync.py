"""The end of a run: its report, its event, and what others look at."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from dict_common.kernel.ids import derived_id
from vsync.application.sync_ports import RunStore
from vsync.application.sync_process import RunEnd, VSyncResult
from vsync.application.telling import Telling, cause_of
from vsync.domain.events import RunEvent, SyncCompleted, SyncFailed
from vsync.domain.sync_run import SyncStatus

Afterwards = Callable[[RunEnd, VSyncResult], Awaitable[None]]
"""Speed and metrics: never raises."""
UNKNOWN_REASON = "unknown"


def report_id_of(run_id: UUID) -> UUID:
    """A run has one report."""
    return derived_id(run_id, "report")


class EndSync:
    """Raises Unavailable."""

    def __init__(
        self, runs: RunStore, telling: Telling, afterwards: tuple[Afterwards, ...]
    ) -> None:
        self._runs = runs
        self._telling = telling
        self._afterwards = afterwards

    async def report(self, end: RunEnd) -> VSyncResult:
        """Written once; what a repeat brings is not looked at."""
        return await self._runs.report(end, report_id_of(end.run.run_id))

    async def publish(self, end: RunEnd) -> VSyncResult:
        """The run's last state and `vsync.completed` or `vsync.failed`, once."""
        result = await self._runs.report(end, report_id_of(end.run.run_id))
        event, name = _event(end, result)
        cause = cause_of(end.run, "ended", end.ended_at)
        await self._runs.ended(end, result, await self._telling.run(cause, name, event))
        for afterwards in self._afterwards:
            await afterwards(end, result)
        return result


def _event(end: RunEnd, result: VSyncResult) -> tuple[RunEvent, str]:
    run = end.run
    if result.status == SyncStatus.FAILED:
        failed = SyncFailed(
            run_id=str(run.run_id),
            participant=run.participant,
            key_type=run.key_type,
            sync_type=run.sync_type,
            report_id=str(result.report_id),
            reason_code=result.error_message or UNKNOWN_REASON,
            started_at=run.started_at,
            ended_at=end.ended_at,
        )
        return failed, failed.NAME
    completed = SyncCompleted(
        run_id=str(run.run_id),
        participant=run.participant,
        key_type=run.key_type,
        sync_type=run.sync_type,
        report_id=str(result.report_id),
        result=result.status,
        entries_synced=result.entries_synced,
        entries_created=result.entries_created,
        entries_updated=result.entries_updated,
        entries_deleted=result.entries_deleted,
        discrepancies=result.discrepancies,
        failed=result.failed,
        requests=result.requests,
        vsync=end.vsync,
        reason_code=result.error_message,
        started_at=run.started_at,
        ended_at=end.ended_at,
    )
    return completed, completed.NAME
