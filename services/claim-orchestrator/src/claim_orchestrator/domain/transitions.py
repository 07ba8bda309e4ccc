"""What a claimer makes of the status that DICT shows: one table.

DICT's own state wins: any forward status is accepted, also when some between were never seen.
"""

from dataclasses import dataclass
from enum import StrEnum

from claim_orchestrator.domain.claim import DictStatus, ResolutionType, WorkflowStatus


class Step(StrEnum):
    """What the workflow does next."""

    WAIT = "wait"
    COMPLETE = "complete"
    END = "end"


@dataclass(frozen=True)
class Arrival:
    """The consequence of arriving at a status: our state, the event that tells it, what is next."""

    status: WorkflowStatus
    resolution: ResolutionType | None
    event: str
    next: Step


CLAIMER: dict[DictStatus, Arrival] = {
    DictStatus.OPEN: Arrival(WorkflowStatus.RUNNING, None, "claim.created", Step.WAIT),
    DictStatus.WAITING_RESOLUTION: Arrival(
        WorkflowStatus.RUNNING, None, "claim.acknowledged", Step.WAIT
    ),
    DictStatus.CONFIRMED: Arrival(WorkflowStatus.RUNNING, None, "claim.confirmed", Step.COMPLETE),
    DictStatus.COMPLETED: Arrival(
        WorkflowStatus.COMPLETED, ResolutionType.APPROVED, "claim.completed", Step.END
    ),
    DictStatus.CANCELLED: Arrival(
        WorkflowStatus.CANCELLED, ResolutionType.REJECTED, "claim.cancelled", Step.END
    ),
}

_RANK = {
    DictStatus.OPEN: 0,
    DictStatus.WAITING_RESOLUTION: 1,
    DictStatus.CONFIRMED: 2,
    DictStatus.COMPLETED: 3,
    DictStatus.CANCELLED: 3,
}


def moves_forward(before: str | None, seen: str) -> bool:
    """Whether `seen` is news after `before`: an older or equal answer changes nothing.

    A status that this release does not know is never forward: it is logged and waited out.
    """
    if seen not in CLAIMER:
        return False
    if before is None or before not in CLAIMER:
        return True
    return _RANK[DictStatus(seen)] > _RANK[DictStatus(before)]


def is_terminal(status: str) -> bool:
    """True when DICT will show no other status for the claim."""
    return status in (DictStatus.COMPLETED, DictStatus.CANCELLED)
