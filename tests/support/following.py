"""What a test sees of a claim: its row, its events in the audit, refusals, dead letters."""

import json
from typing import Any
from uuid import UUID

from tests.support.waiting import until
from tests.support.world import World


async def row_of(world: World, claim_id: UUID) -> Any:
    """The state table's row, None before there is one."""
    connection = await world.connect("operator_ro")
    try:
        return await connection.fetchrow(
            "SELECT * FROM workflows.claim_workflows WHERE claim_id = $1", claim_id
        )
    finally:
        await connection.close()


async def row_when(world: World, claim_id: UUID, what: str, **wanted: object) -> Any:
    """The row once its columns are as wanted; `...` as a value means: anything but NULL."""

    async def look() -> Any:
        row = await row_of(world, claim_id)
        if row is None:
            return None
        fits = all(
            row[name] is not None if value is ... else row[name] == value
            for name, value in wanted.items()
        )
        return row if fits else None

    return await until(look, f"claim {claim_id} is {what}")


def events_of(world: World, claim_id: UUID) -> list[dict[str, Any]]:
    """What the audit has of the claim, by sequence; refused commands too. Empty for nothing."""
    done = world.dictctl("audit", "search", "--claim", str(claim_id), "-o", "json")
    return json.loads(done.stdout) if done.returncode == 0 else []


async def event_of(world: World, claim_id: UUID, name: str) -> dict[str, Any]:
    """The payload of the claim's first event of that name, once the audit has it."""

    async def look() -> dict[str, Any] | None:
        found = [row for row in events_of(world, claim_id) if row["event_subtype"] == name]
        return found[0]["event_payload"] if found else None

    payload = await until(look, f"{name} about claim {claim_id}")
    assert payload is not None
    return payload


async def dead_letter_of(world: World, subject: UUID | str) -> dict[str, Any]:
    """The dead letter with that ce_subject."""

    async def look() -> dict[str, Any] | None:
        rows = world.dictctl_json("dlq", "list", "--limit", "10000")
        found = [row for row in rows if row["ce_subject"] == str(subject)]
        return found[0] if found else None

    letter = await until(look, f"a dead letter about {subject}")
    assert letter is not None
    return letter
