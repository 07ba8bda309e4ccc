"""NotifyUsers: users are told how a claim ended."""

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_process import NOTIFY_USERS
    from claim_orchestrator.application.claim_records import Notice
    from claim_orchestrator.workflows.journal import ACTIVITY_EXECUTED, Journal
    from claim_orchestrator.workflows.steps import TELLING_ATTEMPTS_MAX, do

_TELL = RetryPolicy(maximum_attempts=TELLING_ATTEMPTS_MAX)


async def tell_users(journal: Journal) -> None:
    """NotifyUsers, best effort: nothing waits for it, nothing fails with it."""
    shown = journal.row.shown
    notice = Notice(
        process=journal.process,
        notice_id=workflow.uuid7(),
        status=journal.row.status,
        dict_status=shown.status if shown else None,
        resolution_type=journal.row.resolution_type,
        at=workflow.now(),
    )
    try:
        told = await do(NOTIFY_USERS, notice, bool, _TELL)
    except ActivityError:
        journal.note(ACTIVITY_EXECUTED, NOTIFY_USERS, "not-delivered")
    else:
        journal.note(ACTIVITY_EXECUTED, NOTIFY_USERS, "told" if told else "nobody-set-up")
    await journal.flush()
