"""What the verbs of `dictctl claim` share: ids, reading, publishing."""

from typing import Annotated, Any
from uuid import UUID

import typer

from claim_orchestrator.application.claim_console import SOURCE
from claim_orchestrator.bootstrap import console
from dict_common.console.failures import CommandFailed, Exit
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.ids import new_id
from dict_common.telemetry.traces import current_traceparent

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
    """Publishes a command and waits until the broker has it on disk. Raises Unavailable."""
    envelope = Envelope(
        id=command_id,
        type=name,
        source=SOURCE,
        time=SystemClock().now(),
        subject=str(subject),
        aggregate_type="claim",
        correlation_id=str(command_id),
        traceparent=current_traceparent(),
    )
    async with console.open_command_sender() as sender:
        try:
            await sender.send(envelope, record)
        except ValueError as error:
            raise CommandFailed(
                Exit.USAGE, f"{name} cannot be written: {error}", f"dictctl schema check {name}"
            ) from None
