"""Our user changes its mind; a second decision comes too late and is told so."""

from uuid import uuid4

from devstack.cast import DRAFT, MORE_KEYS, Operator, other_side
from devstack.story import StoryContext
from devstack.telling import (
    expect,
    show_timeline,
    wait_for_end,
    wait_for_event,
    wait_for_status,
)
from dict_common.kernel.ids import new_id

TITLE = "Our user withdraws: cancelled by decision, and a second decision is refused"


def run(context: StoryContext) -> None:
    """Tells it."""
    operator, claim_id = Operator(context.stack.environment()), uuid4()
    with other_side(context.stack.environment()) as donor:
        donor.seed(MORE_KEYS[2])
        operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": MORE_KEYS[2]})
        opened = wait_for_status(operator, claim_id, "OPEN")
        context.console.print("Core publishes claim.decide REFUSE, twice the same, then another.")
        same = ("--command-id", str(new_id()))
        for _ in range(2):
            operator.decides(claim_id, "REFUSE", *same)
        wait_for_end(operator, claim_id, "CANCELLED", "CANCELLED")
        operator.decides(claim_id, "ACCEPT")
        cancelled = donor.operations("CancelClaim", opened["dict_claim_id"])
    expect(len(cancelled) == 1, f"DICT saw {len(cancelled)} cancellations instead of one")
    wait_for_event(operator, claim_id, "claim.cancelled")
    rows = wait_for_event(operator, claim_id, "command.rejected")
    refused = [row for row in rows if row["event_subtype"] == "command.rejected"]
    expect(len(refused) == 1, f"{len(refused)} commands were rejected instead of one")
    decided = [row for row in rows if row["event_subtype"] == "claim.decided"]
    expect(len(decided) == 1, f"{len(decided)} decisions were accepted instead of one")
    show_timeline(context, operator, claim_id)
