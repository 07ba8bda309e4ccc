"""What the rules look at, taken from a claim's row."""

from datetime import datetime

from claim_orchestrator.application.claim_records import ClaimRow
from claim_orchestrator.domain.claim import ClaimType
from claim_orchestrator.domain.course import Cause, Intent, View
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.transitions import known_status


def view_of(
    claim_type: str,
    row: ClaimRow,
    calendar: Calendar,
    proven_at: datetime | None = None,
    *,
    possession_required: bool = True,
) -> View:
    """Only for a claim that DICT knows."""
    shown, intent = row.shown, row.intent
    assert shown is not None
    return View(
        type=ClaimType(claim_type),
        status=known_status(shown.status),
        deadline=calendar.claimer_deadline(shown.resolution_period_end),
        completion_period_end=shown.completion_period_end,
        intent=None if intent is None else Intent(Cause(intent.cause), intent.reason),
        proven_at=proven_at,
        possession_required=possession_required,
    )
