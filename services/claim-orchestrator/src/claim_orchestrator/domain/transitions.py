"""What a claimer makes of the status that DICT shows: one table.

DICT's own state wins: any forward status is accepted, also when some between were never seen.
"""

from dataclasses import dataclass

from claim_orchestrator.domain.claim import DictStatus, ResolutionType, WorkflowStatus
from claim_orchestrator.domain.course import Cause


@dataclass(frozen=True)
class Arrival:
    """The consequence of arriving at a status: our state and the event that tells it."""

    status: WorkflowStatus
    event: str


CREATED = "claim.created"
"""Told first of every claim whose status we know, also where that is a later one already."""

CLAIMER: dict[DictStatus, Arrival] = {
    DictStatus.OPEN: Arrival(WorkflowStatus.RUNNING, CREATED),
    DictStatus.WAITING_RESOLUTION: Arrival(WorkflowStatus.RUNNING, "claim.acknowledged"),
    DictStatus.CONFIRMED: Arrival(WorkflowStatus.RUNNING, "claim.confirmed"),
    DictStatus.COMPLETED: Arrival(WorkflowStatus.COMPLETED, "claim.completed"),
    DictStatus.CANCELLED: Arrival(WorkflowStatus.CANCELLED, "claim.cancelled"),
}

_RANK: dict[str, int] = {
    DictStatus.OPEN: 0,
    DictStatus.WAITING_RESOLUTION: 1,
    DictStatus.CONFIRMED: 2,
    DictStatus.COMPLETED: 3,
    DictStatus.CANCELLED: 3,
}

BY_CLAIMER = "CLAIMER"


def moves_forward(before: str | None, seen: str) -> bool:
    """Whether `seen` is news after `before`: an older or equal answer changes nothing.

    A status that this release does not know is never forward: it is told of and waited out.
    """
    if seen not in _RANK:
        return False
    if before is None or before not in _RANK:
        return True
    return _RANK[seen] > _RANK[before]


def known_status(status: str) -> DictStatus:
    """The status, OPEN for one that this release does not know: then nothing is done but wait."""
    return DictStatus(status) if status in _RANK else DictStatus.OPEN


def is_expected(before: str | None, seen: str) -> bool:
    """False for a status that we would have had to bring about ourselves, or that nobody knows:
    accepted or not, it is told. Between two polls a donor may acknowledge and confirm."""
    if before is None:
        return seen == DictStatus.OPEN
    if seen not in _RANK or before not in _RANK:
        return False
    if seen in (DictStatus.CANCELLED, DictStatus.CONFIRMED):
        return True
    return _RANK[seen] <= _RANK[before] + 1


def is_terminal(status: str) -> bool:
    """True when DICT will show no other status for the claim."""
    return status in (DictStatus.COMPLETED, DictStatus.CANCELLED)


def resolution_of(
    status: DictStatus, cancelled_by: str | None, cause: Cause | None
) -> ResolutionType | None:
    """How it ended, seen from our side; None while it has not.

    `cause`: why we meant to cancel, None if we did not. A cancellation that DICT records for our
    side and that we did not mean came from our participant by another way: CANCELLED.
    """
    if status is DictStatus.COMPLETED:
        return ResolutionType.APPROVED
    if status is not DictStatus.CANCELLED:
        return None
    if cancelled_by != BY_CLAIMER:
        return ResolutionType.REJECTED
    return ResolutionType.TIMEOUT if cause is Cause.DEADLINE else ResolutionType.CANCELLED
