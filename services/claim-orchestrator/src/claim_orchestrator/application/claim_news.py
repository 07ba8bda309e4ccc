"""What of DICT's answer is new."""

from claim_orchestrator.application.claim_records import Snapshot
from claim_orchestrator.domain.transitions import CLAIMER, moves_forward


def is_news(last: Snapshot | None, seen: Snapshot) -> bool:
    """A status beyond the last one; or, with the same one, dates that DICT has moved since."""
    if seen.status not in CLAIMER:
        return last is None
    if last is None or moves_forward(last.status, seen.status):
        return True
    return seen.status == last.status and dates_moved(last, seen)


def is_behind(last: Snapshot | None, known: Snapshot) -> bool:
    """Whether a row is older than what a process has seen in it: it came from a backup."""
    same = last is not None and last.status == known.status
    if last is not None and same and known.last_modified <= last.last_modified:
        return False
    return is_news(last, known)


def dates_moved(last: Snapshot, seen: Snapshot) -> bool:
    """Whether a newer answer has other dates (a USER_REQUESTED confirm ends the completion
    period at once)."""
    if seen.last_modified < last.last_modified:
        return False
    return (seen.resolution_period_end, seen.completion_period_end) != (
        last.resolution_period_end,
        last.completion_period_end,
    )
