"""Commands that nobody can carry out: each is answered or kept, and disturbs no other."""

import asyncio
from uuid import uuid4

from devstack.cast import DRAFT, MORE_KEYS, Operator, other_side, publish_junk
from devstack.story import StoryContext
from devstack.telling import expect, wait_for, wait_for_event, wait_for_status

TITLE = "Broken commands are answered or kept, and disturb no other"

BROKEN = (
    ("an EVP key, which can never be claimed", {"key_type": "EVP"}, "key-type-not-claimable"),
    ("a phone without its plus", {"key": "5561988880004"}, "key-invalid"),
    ("a participant that is not ours", {"participant": "99999999"}, "participant-unknown"),
)


def run(context: StoryContext) -> None:
    """Tells it."""
    environment = context.stack.environment()
    operator = Operator(environment)
    with other_side(environment) as donor:
        donor.seed(MORE_KEYS[3])
        for what, changes, reason in BROKEN:
            claim_id = uuid4()
            operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": MORE_KEYS[3], **changes})
            rows = wait_for_event(operator, claim_id, "command.rejected")
            (rejected,) = [it for it in rows if it["event_subtype"] == "command.rejected"]
            payload = rejected["event_payload"]
            said = payload["reason_code"] if isinstance(payload, dict) else ""
            expect(said == reason, f"{what} was refused as {said}")
            context.console.print(f"Core sends {what}: command.rejected, {said}.", markup=False)
        before = len(operator.reads("dlq", "list"))
        asyncio.run(publish_junk(environment, uuid4()))
        wait_for(
            lambda: len(operator.reads("dlq", "list")) > before or None,
            "bytes that are no command in the dead letters",
        )
        context.console.print("Bytes that are no command: kept whole in the dead letters, sealed.")
        claim_id = uuid4()
        operator.creates_claim(claim_id, uuid4(), {**DRAFT, "key": MORE_KEYS[3]})
        opened = wait_for_status(operator, claim_id, "OPEN")
        donor.act(opened["dict_claim_id"], "CANCEL", "USER_REQUESTED")
    context.console.print("The next good command is carried out as if nothing had been.")
