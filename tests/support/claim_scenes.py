"""Scenes that the tests of a claim's workflows begin with."""

from datetime import timedelta
from uuid import UUID, uuid4

from claim_orchestrator.application.claim_process import CLAIM_OPERATOR_SIGNAL, workflow_id
from claim_orchestrator.application.claim_records import ClaimRow, OperatorOrder
from claim_orchestrator.domain.claim import Role
from tests.support.claim_inputs import first_row
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble

TYPES = ["PORTABILITY", "OWNERSHIP"]
MILLISECOND = timedelta(milliseconds=1)


def opened(claim_type: str = "PORTABILITY") -> ClaimStage:
    """A claim that DICT has just opened."""
    stage = ClaimStage(claim_type)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.events == ["claim.created"]
    return stage


def forget(stage: ClaimStage, *claim_ids: UUID) -> None:
    """A backup from before the claims; their `claim.create` was read again."""
    claims = stage.claims
    for claim_id in claim_ids or (CLAIM,):
        key = (claim_id, Role.CLAIMER)
        claims.rows.pop(key), claims.claims.pop(key)
        claims.add(first_row(claim_id, stage.type))
    for kept in (claims.decisions, claims.outcomes):
        kept.clear()
    claims.events.clear()
    _forget_calls(stage)


def restore(stage: ClaimStage, row: ClaimRow) -> None:
    """A backup from when the claim's row was that one."""
    stage.claims.rows[CLAIM, Role.CLAIMER] = row
    stage.claims.events[:] = [it for it in stage.claims.events if it[0] <= row.version]
    _forget_calls(stage)


def _forget_calls(stage: ClaimStage) -> None:
    stage.claims.last_event_ids.clear()
    stage.claims.inbox.clear()
    stage.directory.answers.clear()
    stage.directory.unanswered.clear()


def lose_workflows(stage: ClaimStage) -> None:
    """As an operator's `temporal workflow terminate` would."""
    for execution in stage.simulation.executions.values():
        execution.closed = execution.closed or "TERMINATED"


def order_resume(stage: ClaimStage) -> None:
    """`dictctl claim resume` for a claim whose workflow runs."""
    order = OperatorOrder(uuid4(), "CLAIM_RESUME")
    stage.simulation.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)


def times(operation: str, trouble: Trouble, number: int) -> "Troubles":
    """So many calls of an operation go wrong."""
    return Troubles(operation, trouble, number)


class Troubles:
    """A script of trouble."""

    def __init__(self, operation: str, trouble: Trouble, number: int) -> None:
        self.operation, self.trouble, self.left = operation, trouble, number

    def __call__(self, operation: str) -> Trouble | None:
        if operation != self.operation or self.left == 0:
            return None
        self.left -= 1
        return self.trouble


def refused(problem: str, status: int) -> Trouble:
    """A problem document."""
    return Trouble((problem, status))


SILENCE, LOST = Trouble(), Trouble(after=True)
