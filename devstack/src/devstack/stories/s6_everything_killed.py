"""kill -9 to everything, servers included, in the middle of a claim; then it goes on."""

from uuid import uuid4

from devstack.cast import DRAFT, MORE_KEYS, Operator, other_side
from devstack.processes import PROCESSES
from devstack.story import DAY_SECONDS, StoryContext
from devstack.telling import (
    expect,
    show_timeline,
    wait_for_end,
    wait_for_event,
    wait_for_status,
)

TITLE = "Everything is killed in the middle of a claim, and restarted"


def run(context: StoryContext) -> None:
    """Tells it. Servers that the user runs himself are left alone."""
    stack = context.stack
    operator, claim_id = Operator(stack.environment()), uuid4()
    with other_side(stack.environment()) as donor:
        donor.seed(MORE_KEYS[4])
        operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": MORE_KEYS[4]})
        opened = wait_for_status(operator, claim_id, "OPEN")
        donor.act(opened["dict_claim_id"], "ACKNOWLEDGE")
        donor.act(opened["dict_claim_id"], "CONFIRM", "USER_REQUESTED")
    running = [part.name for part in stack.status() if part.state == "running"]
    ours = {process.name for process in PROCESSES}
    for name in sorted(running, key=lambda name: name not in ours):
        stack.kill(name)
    context.console.print(f"kill -9: {', '.join(running)}.", markup=False)
    stack.up(day_seconds=DAY_SECONDS)
    context.console.print("Everything was started again. Nobody does anything else.")
    with other_side(stack.environment()) as donor:
        wait_for_end(operator, claim_id, "COMPLETED", "APPROVED")
        rows = wait_for_event(operator, claim_id, "entry.transferred")
        completed = donor.operations("CompleteClaim", opened["dict_claim_id"])
    expect(len(completed) == 1, f"DICT saw {len(completed)} completions instead of one")
    ends = [row for row in rows if row["event_subtype"] == "claim.completed"]
    expect(len(ends) == 1, f"the audit has {len(ends)} ends instead of one")
    show_timeline(context, operator, claim_id)
