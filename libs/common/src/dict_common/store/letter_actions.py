"""connect.dead_letter_actions, as the desk and `dictctl dlq` read it."""

from collections.abc import Sequence
from typing import Any

from dict_common.kernel.letter_ids import LetterId
from dict_common.store.database import Database
from dict_common.store.queries import load_queries
from dict_schemas.topics import DEAD_LETTERS

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
