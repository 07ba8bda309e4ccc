"""What stories have in common: waiting for what must come, and showing a claim's timeline."""

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from devstack.cast import Operator
from devstack.failures import StackFailure
from devstack.story import StoryContext, StoryFailed

_Seen = TypeVar("_Seen")

DEADLINE_SECONDS = 120.0
LOOK_SECONDS = 0.5


def wait_for(look: Callable[[], _Seen | None], what: str) -> _Seen:
    """The first answer of `look`. Raises StoryFailed when it does not come within two minutes."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        seen = look()
        if seen is not None:
            return seen
        time.sleep(LOOK_SECONDS)
    raise StoryFailed(f"Waited {DEADLINE_SECONDS:.0f} s, and this never came: {what}.")


def wait_for_status(operator: Operator, claim_id: UUID, status: str) -> dict[str, str]:
    """The claim's row once DICT's status is `status`."""

    def look() -> dict[str, str] | None:
        try:
            row: dict[str, str] = operator.reads("claim", "get", str(claim_id))
        except StackFailure:
            return None  # the command has not been consumed yet
        return row if row["dict_status"] == status else None

    return wait_for(look, f"claim {claim_id} is {status} at DICT")


def wait_for_event(operator: Operator, claim_id: UUID, event: str) -> list[dict[str, object]]:
    """The claim's events in the audit, once `event` is among them."""

    def look() -> list[dict[str, object]] | None:
        try:
            rows: list[dict[str, object]] = operator.reads(
                "audit", "search", "--claim", str(claim_id)
            )
        except StackFailure:
            return None  # nothing yet
        return rows if any(row["event_subtype"] == event for row in rows) else None

    return wait_for(look, f"{event} of claim {claim_id} in audit.workflow_events")


def wait_for_end(
    operator: Operator, claim_id: UUID, status: str, resolution_type: str
) -> dict[str, str]:
    """The claim's row once it is over. Raises StoryFailed unless it ended as it should."""

    def look() -> dict[str, str] | None:
        row: dict[str, str] = operator.reads("claim", "get", str(claim_id))
        return row if row["status"] != "RUNNING" else None

    row = wait_for(look, f"claim {claim_id} is over")
    seen, wanted = (row["status"], row["resolution_type"]), (status, resolution_type)
    expect(seen == wanted, f"the claim is {'/'.join(map(str, seen))}, not {'/'.join(wanted)}")
    return row


def show_timeline(context: StoryContext, operator: Operator, claim_id: UUID) -> None:
    """Prints the claim's timeline as the audit has it."""
    done = operator.types("claim", "timeline", str(claim_id))
    if done.returncode != 0:
        raise StoryFailed(f"dictctl claim timeline: {done.stderr.strip()}")
    context.console.print(done.stdout, markup=False)


def expect(condition: bool, otherwise: str) -> None:
    """Raises StoryFailed saying what was seen instead."""
    if not condition:
        raise StoryFailed(otherwise)
