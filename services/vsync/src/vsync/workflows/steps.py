"""How the steps of a run are called: timeouts and retries, by seed 003's table."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from vsync.application.sync_process import (
    GENERATE_SYNC_REPORT,
    PUBLISH_CLAIM_EVENT,
    RunEnd,
    RunRef,
    VSyncResult,
    run_id_of,
)
from vsync.domain.sync_run import SyncStatus

_Answer = TypeVar("_Answer")

CANCELLED = "cancelled"
_WORD = re.compile(r"[A-Za-z0-9-]{1,60}")
"""What a column and an event hold: DICT's problem types come from outside."""


@dataclass(frozen=True)
class Calling:
    """`attempts`: of seed 003. `each` and `silent` limit an attempt, and the time without a
    heartbeat; `all` limits all attempts together."""

    attempts: int
    each: timedelta
    silent: timedelta | None = None
    longest_pause: timedelta = timedelta(seconds=30)
    all: timedelta | None = None


STEP_MAX = timedelta(hours=10)
RUN_MAX = timedelta(hours=12)
"""No step begins later: a run ends before the next day's, and says that it did not get through."""
BACEN = Calling(10, timedelta(hours=1), timedelta(minutes=3), all=STEP_MAX)
"""A verification waits for its bucket: ten a minute, for all sets of a participant."""
BASE = Calling(5, timedelta(seconds=60))
LONG = Calling(10, timedelta(hours=6), timedelta(minutes=3), all=STEP_MAX)
"""Files of millions of lines, and buckets that let a thousand through in a minute."""
DRAIN = Calling(20, timedelta(seconds=30), longest_pause=timedelta(seconds=15))
"""Our consumer has some minutes to catch up."""
ENDING = Calling(0, timedelta(seconds=60), longest_pause=timedelta(minutes=5))
"""A run that could not say how it ended would be one that nobody finds: without end."""
BEGINNING = ENDING
"""So would one whose row could not be written: it could not tell its end either."""


async def do(name: str, argument: object, answer: type[_Answer], how: Calling) -> _Answer:
    """One activity. Raises ActivityError."""
    done: Any = await workflow.execute_activity(
        name,
        argument,
        start_to_close_timeout=how.each,
        heartbeat_timeout=how.silent,
        schedule_to_close_timeout=how.all,
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            backoff_coefficient=2.0,
            maximum_interval=how.longest_pause,
            maximum_attempts=how.attempts,
        ),
        result_type=answer,
    )
    return done  # type: ignore[no-any-return]


def this_run(participant: str, key_type: str | None, sync_type: str) -> RunRef:
    """The execution that asks, as a run."""
    info = workflow.info()
    return RunRef(
        run_id=run_id_of(info.workflow_id, info.run_id),
        participant=participant,
        key_type=key_type,
        sync_type=sync_type,
        started_at=info.start_time,
        workflow_type=info.workflow_type,
        workflow_id=info.workflow_id,
        workflow_run_id=info.run_id,
    )


def reason_of(error: ActivityError) -> str:
    """Why a step was given up: DICT's problem type, ours, or `timeout`."""
    cause = error.cause
    if isinstance(cause, ActivityTimeout):
        return "timeout"
    if isinstance(cause, CancelledError):
        return CANCELLED
    if isinstance(cause, ApplicationError) and _WORD.fullmatch(cause.type or ""):
        return str(cause.type)
    return "unknown"


async def ended(
    run: RunRef,
    status: SyncStatus,
    error: str | None,
    proof: tuple[int, str | None] = (0, None),
    parts: list[UUID] | None = None,
) -> VSyncResult:
    """Report and event of a run's end."""
    keys, vsync = proof
    end = RunEnd(run, status, workflow.now(), keys, vsync, error, parts)
    await do(GENERATE_SYNC_REPORT, end, VSyncResult, ENDING)
    return await do(PUBLISH_CLAIM_EVENT, end, VSyncResult, ENDING)
