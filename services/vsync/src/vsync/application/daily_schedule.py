"""The day's run of everybody, as Temporal's Schedule `vsync-daily` is to be."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from vsync.application.sync_process import VSYNC_SCHEDULER_WORKFLOW

SCHEDULE_ID = "vsync-daily"
WORKFLOW_ID = "vsync-scheduler"
TIME_ZONE = "America/Sao_Paulo"
SKIP = "SKIP"
CATCH_UP_SECONDS = 6 * 3_600
"""A Temporal that was away at the hour starts the run late, up to here: the next proof is due 36 h
after the last."""


@dataclass(frozen=True)
class DailySchedule:
    """When, and what is started. `hour` None: at other times than once a day at a full hour.
    `inputs`: how many arguments the workflow is given."""

    hour: int | None
    time_zone: str
    jitter_seconds: int
    overlap: str
    catch_up_seconds: int
    workflow: str
    workflow_id: str
    task_queue: str
    inputs: int = 0


@dataclass(frozen=True)
class FoundSchedule:
    """As Temporal has it."""

    daily: DailySchedule
    paused: bool
    next_runs: list[datetime]
    last_runs: list[datetime]
    missed: int
    """Hours that were over before Temporal could start a run."""
    skipped: int
    """Hours at which the run of the day before still ran."""


class Schedules(Protocol):
    """Temporal's Schedule. Raises Unavailable."""

    async def find(self) -> FoundSchedule | None:
        """None where there is none."""

    async def create(self, daily: DailySchedule) -> None:
        """Where there was none."""

    async def update(self, daily: DailySchedule) -> None:
        """In place; paused stays paused."""

    async def pause(self, note: str) -> None:
        """No run is started until it is resumed."""

    async def resume(self, note: str) -> None:
        """From the next hour on."""

    async def delete(self) -> None:
        """Runs that run go on."""


def wanted(hour: int, jitter_seconds: int, task_queue: str) -> DailySchedule:
    """As an installation wants it."""
    return DailySchedule(
        hour=hour,
        time_zone=TIME_ZONE,
        jitter_seconds=jitter_seconds,
        overlap=SKIP,
        catch_up_seconds=CATCH_UP_SECONDS,
        workflow=VSYNC_SCHEDULER_WORKFLOW,
        workflow_id=WORKFLOW_ID,
        task_queue=task_queue,
    )


def changes(found: DailySchedule, wanted_: DailySchedule) -> dict[str, tuple[Any, Any]]:
    """What is otherwise than wanted: as it is, and as it is to be."""
    was, is_ = asdict(found), asdict(wanted_)
    return {name: (was[name], is_[name]) for name in is_ if was[name] != is_[name]}
