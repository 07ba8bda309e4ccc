"""Schedules over Temporal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from dict_common.durable.client import as_unavailable
from vsync.application.daily_schedule import SCHEDULE_ID, DailySchedule, FoundSchedule


class TemporalSchedules:
    """The one Schedule of vsync."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find(self) -> FoundSchedule | None:
        """None where there is none."""
        try:
            found = await self._handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise as_unavailable(error) from error
        info = found.info
        return FoundSchedule(
            daily=_daily(found.schedule),
            paused=found.schedule.state.paused,
            next_runs=list(info.next_action_times),
            last_runs=[it.started_at for it in info.recent_actions],
            missed=info.num_actions_missed_catchup_window,
            skipped=info.num_actions_skipped_overlap,
        )

    async def create(self, daily: DailySchedule) -> None:
        """Where there was none."""
        async with _asked():
            await self._client.create_schedule(SCHEDULE_ID, _schedule(daily))

    async def update(self, daily: DailySchedule) -> None:
        """In place; its state stays."""

        def changed(found: ScheduleUpdateInput) -> ScheduleUpdate:
            state = found.description.schedule.state
            return ScheduleUpdate(replace(_schedule(daily), state=state))

        async with _asked():
            await self._handle.update(changed)

    async def pause(self, note: str) -> None:
        """Until it is resumed."""
        async with _asked():
            await self._handle.pause(note=note)

    async def resume(self, note: str) -> None:
        """From the next hour on."""
        async with _asked():
            await self._handle.unpause(note=note)

    async def delete(self) -> None:
        """Runs that run go on."""
        async with _asked():
            await self._handle.delete()

    @property
    def _handle(self) -> ScheduleHandle:
        return self._client.get_schedule_handle(SCHEDULE_ID)


@asynccontextmanager
async def _asked() -> AsyncIterator[None]:
    try:
        yield
    except RPCError as error:
        raise as_unavailable(error) from error


def _schedule(daily: DailySchedule) -> Schedule:
    assert daily.hour is not None, "a wanted schedule has its hour"
    return Schedule(
        action=ScheduleActionStartWorkflow(
            daily.workflow, id=daily.workflow_id, task_queue=daily.task_queue
        ),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(daily.hour)])],
            jitter=timedelta(seconds=daily.jitter_seconds),
            time_zone_name=daily.time_zone,
        ),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy[daily.overlap],
            catchup_window=timedelta(seconds=daily.catch_up_seconds),
        ),
    )


def _daily(schedule: Schedule) -> DailySchedule:
    action, policy, spec = schedule.action, schedule.policy, schedule.spec
    assert isinstance(action, ScheduleActionStartWorkflow), "Temporal starts nothing else"
    return DailySchedule(
        hour=_hour(spec),
        time_zone=spec.time_zone_name or "UTC",
        jitter_seconds=_seconds(spec.jitter),
        overlap=policy.overlap.name,
        catch_up_seconds=_seconds(policy.catchup_window),
        workflow=str(action.workflow),
        workflow_id=action.id,
        task_queue=action.task_queue,
        inputs=len(action.args),
    )


def _hour(spec: ScheduleSpec) -> int | None:
    """None for whatever is not once a day at a full hour."""
    if len(spec.calendars) != 1 or spec.intervals or spec.skip or spec.start_at or spec.end_at:
        return None
    (calendar,) = spec.calendars
    hours = calendar.hour
    if len(hours) != 1:
        return None
    hour = hours[0].start
    plain = ScheduleCalendarSpec(hour=[ScheduleRange(hour)])
    return hour if _whole(calendar) == _whole(plain) else None


def _whole(calendar: ScheduleCalendarSpec) -> list[list[tuple[int, int, int]]]:
    """With what Temporal fills in: an end that is the start, a step of one."""
    fields = (
        calendar.second,
        calendar.minute,
        calendar.hour,
        calendar.day_of_month,
        calendar.month,
        calendar.year,
        calendar.day_of_week,
    )
    return [[(it.start, max(it.start, it.end), it.step or 1) for it in field] for field in fields]


def _seconds(span: timedelta | None) -> int:
    return 0 if span is None else round(span.total_seconds())
