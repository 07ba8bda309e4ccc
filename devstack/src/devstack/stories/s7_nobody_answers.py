"""Nobody answers: the claim cancels itself at its deadline, to the day."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from devstack.cast import DRAFT, MORE_KEYS, Operator, other_side
from devstack.story import StoryContext
from devstack.telling import (
    expect,
    show_timeline,
    wait_for_end,
    wait_for_event,
    wait_for_status,
)

TITLE = "Nobody answers for thirty days: cancelled by itself at its deadline"


KEY = MORE_KEYS[0]


def begin(context: StoryContext) -> None:
    """Opens the claim first: its thirty days pass while the others are told."""
    operator, claim_id = Operator(context.stack.environment()), uuid4()
    with other_side(context.stack.environment()) as donor:
        donor.seed(KEY)
    operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": KEY})
    opened = wait_for_status(operator, claim_id, "OPEN")
    context.notes[TITLE] = str(claim_id)
    context.console.print(
        f"Opened first, for the last story: a claim whose day 30 is {opened['claimer_deadline']}."
    )


def run(context: StoryContext) -> None:
    """Tells it."""
    operator, claim_id = Operator(context.stack.environment()), UUID(context.notes[TITLE])
    context.console.print("Everything was killed meanwhile; nobody has touched this claim.")
    row = wait_for_end(operator, claim_id, "CANCELLED", "TIMEOUT")
    with other_side(context.stack.environment()) as donor:
        cancelled = donor.operations("CancelClaim", row["dict_claim_id"])
    expect(len(cancelled) == 1, f"DICT saw {len(cancelled)} cancellations instead of one")
    done = cancelled[0].time.ToDatetime(UTC)
    deadline = datetime.fromisoformat(row["claimer_deadline"])
    expect(done >= deadline, f"cancelled at {done}, before the deadline")
    wait_for_event(operator, claim_id, "claim.cancelled")
    show_timeline(context, operator, claim_id)
