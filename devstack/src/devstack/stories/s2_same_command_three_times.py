"""At least once is what a broker gives; once is what a claim needs."""

from uuid import uuid4

from devstack.cast import DRAFT, EMAIL, Operator, other_side
from devstack.story import StoryContext
from devstack.telling import expect, show_timeline, wait_for_event, wait_for_status

TITLE = "The same command three times is one claim"


def run(context: StoryContext) -> None:
    """Tells it."""
    environment = context.stack.environment()
    operator, claim_id, command_id = Operator(environment), uuid4(), uuid4()
    draft = {**DRAFT, "key_type": "EMAIL", "key": EMAIL}
    with other_side(environment) as donor:
        donor.seed(EMAIL, "EMAIL")
        for time in ("once", "twice", "a third time"):
            context.console.print(f"Core publishes the same claim.create {time}.")
            operator.creates_claim(claim_id, command_id, draft)
        opened = wait_for_status(operator, claim_id, "OPEN")
        donor.act(opened["dict_claim_id"], "ACKNOWLEDGE")
        donor.act(opened["dict_claim_id"], "CONFIRM", "USER_REQUESTED")
        rows = wait_for_event(operator, claim_id, "entry.transferred")
        opened_at_dict = donor.operations("CreateClaim", opened["dict_claim_id"])
    expect(len(opened_at_dict) == 1, f"DICT opened {len(opened_at_dict)} claims instead of one")
    created = [row for row in rows if row["event_subtype"] == "claim.created"]
    expect(len(created) == 1, f"the audit has {len(created)} claim.created instead of one")
    rejected = [row for row in rows if row["event_subtype"] == "command.rejected"]
    expect(not rejected, "a repeat of the same command was rejected")
    show_timeline(context, operator, claim_id)
