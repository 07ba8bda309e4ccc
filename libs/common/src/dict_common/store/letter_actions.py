"""connect.dead_letter_actions, as the desk and `dictctl dlq` read it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dict_common.kernel.ids import rejection_id
from dict_common.kernel.letter_ids import LetterId
from dict_common.store.database import Database
from dict_common.store.queries import load_queries
from dict_schemas.topics import DEAD_LETTERS

CONSUMER = "audit-desk.operator"
"""The inbox's consumer of requests about dead letters."""

_QUERIES = load_queries("dict_common.store", "letter_actions")


def letters_of(service: str) -> str:
    """How the table names the dead letters of a service."""
    return f"{DEAD_LETTERS}/{service}"


async def actions_on(
    database: Database, service: str, letters: Sequence[LetterId]
) -> dict[LetterId, dict[str, Any]]:
    """The action on each letter that has one; its columns by name. Raises Unavailable."""
    rows = await database.fetch(
        _QUERIES["letters_acted_on"], (letters_of(service), [str(letter) for letter in letters])
    )
    return {LetterId.parse(row["message_id"]): dict(row) for row in rows}


async def requests_of(
    database: Database, requests: Sequence[UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """The newest requests to the desk, or those named, oldest first; columns by name.

    `outcome` is None while a request is under way; `detail` says why it was refused, once the
    audit has it. Raises Unavailable.
    """
    wanted = None if requests is None else list(requests)
    rows = await database.fetch(_QUERIES["letters_requests"], (CONSUMER, wanted, limit))
    refusals = {
        row["request_id"]: str(rejection_id(CONSUMER, row["request_id"], row["fingerprint"]))
        for row in rows
        if (row["outcome"] or "").startswith("rejected:")
    }
    told = await database.fetch(_QUERIES["letters_refusals"], (list(refusals.values()),))
    details = {row["aggregate_id"]: row["detail"] for row in told}
    return [
        {name: value for name, value in row.items() if name != "fingerprint"}
        | {"detail": details.get(refusals.get(row["request_id"], ""))}
        for row in rows
    ]
