"""How the steps of a claim are called: timeouts, retries and the counting of Bridge calls."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from claim_orchestrator.application.claim_records import BridgeStep, ClaimProcessInput, ProcessRef

_Answer = TypeVar("_Answer")

STEP_TIMEOUT = timedelta(seconds=30)

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""The seeds' intervals without their three attempts, which lose a claim to a short outage."""

SOON = Priority(priority_key=1)
"""From a command to DICT, where claims of a key compete: first of all that waits for a worker."""
LATER = Priority(priority_key=4)
"""Records and the monitor, which compete with nobody: after all that has the default, 3."""

TELLING_ATTEMPTS_MAX = 3
"""Telling users is best effort: the seeds' limit stays there."""


async def do(
    name: str,
    argument: object,
    answer: type[_Answer],
    retry: RetryPolicy = RETRY,
    within: timedelta | None = None,
    priority: Priority = Priority.default,
) -> _Answer:
    """One activity. `within`: all attempts together; None: without end. Raises ActivityError."""
    done: Any = await workflow.execute_activity(
        name,
        argument,
        start_to_close_timeout=STEP_TIMEOUT,
        schedule_to_close_timeout=within,
        retry_policy=retry,
        result_type=answer,
        priority=priority,
    )
    return done  # type: ignore[no-any-return]


def this_process() -> ProcessRef:
    """The execution that acts."""
    info = workflow.info()
    return ProcessRef(info.workflow_type, info.workflow_id, info.run_id)


@dataclass
class BridgeCalls:
    """Names the Bridge calls of one execution: `{workflow_id}:{operation}:{n}`.

    `counted` starts at the row's version: an execution that follows another under the same id
    never gives an old name to a new call.
    """

    process: ClaimProcessInput
    counted: int = 0

    def step(self, operation: str, since: datetime | None = None) -> BridgeStep:
        """The next call of that operation. `since`: see BridgeStep."""
        self.counted += 1
        by = this_process()
        return BridgeStep(self.process, by, f"{by.id}:{operation}:{self.counted}", since)

    def look_for(self, since: datetime, go_on: datetime | None) -> BridgeStep:
        """A look for the claim that a call from `since` on may have opened."""
        return replace(self.step("ListClaims", since), go_on=go_on)


@dataclass(frozen=True)
class Decided:
    """A refusal that the table of outcomes has judged."""

    outcome: str
    problem_type: str
    detail: str


def decided(error: ActivityError) -> Decided:
    """What an activity's failure means. Raises the error itself if nothing was decided."""
    cause = error.cause
    if isinstance(cause, ActivityTimeout):
        return Decided("RETRY", "RetriesExhausted", "no answer within the time for retries")
    if not isinstance(cause, ApplicationError) or cause.type is None:
        raise error
    if not cause.details:
        # Not DICT's refusal: its text may hold anything and is kept in Temporal, sealed, alone.
        return Decided(cause.type, cause.type, "the log of the worker has the error")
    return Decided(cause.type, str(cause.details[0]), cause.message)
