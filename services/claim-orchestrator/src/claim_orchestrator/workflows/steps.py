"""How the steps of a claim are called: timeouts, retries and the counting of Bridge calls."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from claim_orchestrator.application.claim_process import BridgeStep, ClaimProcessInput, ProcessRef

STEP_TIMEOUT = timedelta(seconds=30)

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""The seeds' intervals without their three attempts, which lose a claim to a short outage."""


def this_process() -> ProcessRef:
    """The execution that acts."""
    info = workflow.info()
    return ProcessRef(info.workflow_type, info.workflow_id, info.run_id)


@dataclass
class BridgeCalls:
    """Names the Bridge calls of one execution: `{workflow_id}:{operation}:{n}`."""

    process: ClaimProcessInput
    counted: int = 0

    def step(self, operation: str) -> BridgeStep:
        """The next call of that operation."""
        self.counted += 1
        by = this_process()
        return BridgeStep(self.process, by, f"{by.id}:{operation}:{self.counted}")


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
