"""The donor's user says no."""

from uuid import uuid4

from devstack.cast import DRAFT, MORE_KEYS, Operator, other_side
from devstack.story import StoryContext
from devstack.telling import show_timeline, wait_for_end, wait_for_event, wait_for_status

TITLE = "A portability that the donor refuses"


def run(context: StoryContext) -> None:
    """Tells it."""
    operator, claim_id = Operator(context.stack.environment()), uuid4()
    with other_side(context.stack.environment()) as donor:
        donor.seed(MORE_KEYS[1])
        operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": MORE_KEYS[1]})
        opened = wait_for_status(operator, claim_id, "OPEN")
        context.console.print("The donor acknowledges, asks its user, and cancels.")
        donor.act(opened["dict_claim_id"], "ACKNOWLEDGE")
        donor.act(opened["dict_claim_id"], "CANCEL", "USER_REQUESTED")
        wait_for_end(operator, claim_id, "CANCELLED", "REJECTED")
    wait_for_event(operator, claim_id, "claim.cancelled")
    show_timeline(context, operator, claim_id)
