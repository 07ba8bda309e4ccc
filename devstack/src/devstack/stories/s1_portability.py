"""A portability: Core asks, the donor confirms, the key is ours."""

from uuid import uuid4

from devstack.cast import Operator, other_side
from devstack.story import StoryContext
from devstack.telling import expect, show_timeline, wait_for_event, wait_for_status

TITLE = "A portability that the donor confirms, completed and transferred"


def run(context: StoryContext) -> None:
    """Tells it."""
    environment = context.stack.environment()
    operator, claim_id = Operator(environment), uuid4()
    with other_side(environment) as donor:
        donor.seed()
        context.console.print("Core publishes claim.create; the key stands with the donor.")
        operator.creates_claim(claim_id, uuid4())
        opened = wait_for_status(operator, claim_id, "OPEN")
        context.console.print("DICT has the claim: OPEN. The donor acknowledges and confirms.")
        donor.act(opened["dict_claim_id"], "ACKNOWLEDGE")
        wait_for_status(operator, claim_id, "WAITING_RESOLUTION")
        donor.act(opened["dict_claim_id"], "CONFIRM", "USER_REQUESTED")
        wait_for_event(operator, claim_id, "entry.transferred")
        completions = donor.operations("CompleteClaim", opened["dict_claim_id"])
    expect(len(completions) == 1, f"DICT saw {len(completions)} completions instead of one")
    row = operator.reads("claim", "get", str(claim_id))
    expect(
        (row["status"], row["resolution_type"]) == ("COMPLETED", "APPROVED"),
        f"the claim is {row['status']}/{row['resolution_type']}, not COMPLETED/APPROVED",
    )
    show_timeline(context, operator, claim_id)
