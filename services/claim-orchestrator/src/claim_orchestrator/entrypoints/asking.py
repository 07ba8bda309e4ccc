"""What the verbs of `dictctl claim` share: ids, reading, publishing about a claim."""

from typing import Annotated, Any
from uuid import UUID

import typer

from claim_orchestrator.bootstrap import console
from dict_common.console import publishing
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.publishing import Draft
from dict_common.kernel.ids import new_id

CLAIM = "claim"

ClaimId = Annotated[str, typer.Argument(metavar="CLAIM_ID", help="ours, or DICT's")]


def claim_id_in(text: str, what: str) -> UUID:
    """The UUID in `text`, a new one for none. Raises CommandFailed USAGE."""
    try:
        return UUID(text) if text else new_id()
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, f"{what} must be a UUID, not {text!r}", "dictctl claim list"
        ) from None


def not_found(claim_id: str) -> CommandFailed:
    """The end of a verb about no claim of ours."""
    return CommandFailed(Exit.NOT_FOUND, f"no claim {claim_id}", "dictctl claim list")


async def read(what: str, *arguments: object) -> list[dict[str, Any]]:
    """Rows as operators may see them. Raises Unavailable."""
    async with console.open_reader() as reader:
        rows: list[dict[str, Any]] = await getattr(reader, what)(*arguments)
        return rows


async def publish(name: str, subject: UUID, command_id: UUID, record: dict[str, object]) -> None:
    """Publishes a command about a claim and waits until the broker has it on disk.

    Raises Unavailable.
    """
    await publishing.publish(Draft(name, CLAIM, str(subject), command_id, record))
