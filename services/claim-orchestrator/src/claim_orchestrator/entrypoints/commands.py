"""`dictctl claim`: publish a claim as Core would, and follow it. There is no back door."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from claim_orchestrator import bootstrap
from claim_orchestrator.application.claim_console import COMMAND, SOURCE, record_of, template
from claim_orchestrator.domain.claim import WorkflowStatus
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id
from dict_common.telemetry.traces import current_traceparent

app = typer.Typer(no_args_is_help=True, help="Claims: create, get, list, timeline.")

ClaimId = Annotated[str, typer.Argument(metavar="CLAIM_ID", help="ours, or DICT's")]


@app.command()
def create(
    file: Annotated[
        str, typer.Option("--file", "-f", help="JSON with the claim's fields; - reads stdin")
    ] = "",
    claim_id: Annotated[str, typer.Option(help="a UUID; a new one if left out")] = "",
    command_id: Annotated[str, typer.Option(help="ce_id; the same again is the same command")] = "",
    show_template: Annotated[
        bool, typer.Option("--template", help="prints a file to start from, and does nothing")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Publishes `claim.create`. Personal data comes from a file: a command line is remembered."""
    if show_template:
        sys.stdout.write(json.dumps(template(), ensure_ascii=False, indent=2) + "\n")
        return
    if not file:
        raise CommandFailed(
            Exit.USAGE, "which claim? --file is missing", "dictctl claim create --template"
        )
    ids = _id(claim_id, "--claim-id"), _id(command_id, "--command-id")
    asyncio.run(_publish(_draft(file), *ids))
    show_record({"claim_id": ids[0], "command_id": ids[1]}, output)
    say(f"next: dictctl claim timeline {ids[0]}")


@app.command()
def get(claim_id: ClaimId, output: Output = Format.TABLE) -> None:
    """The claim's state."""
    rows = asyncio.run(_read("find", _id(claim_id, "CLAIM_ID")))
    if not rows:
        raise _not_found(claim_id)
    show_record(rows[0], output)


@app.command("list")
def list_(
    status: Annotated[str, typer.Option(help="RUNNING, COMPLETED, CANCELLED or FAILED")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    output: Output = Format.TABLE,
) -> None:
    """The newest claims first."""
    if status and status not in set(WorkflowStatus):
        raise CommandFailed(
            Exit.USAGE, f"--status must be one of {', '.join(WorkflowStatus)}", "dictctl claim list"
        )
    rows = asyncio.run(_read("newest", status or None, limit))
    columns = ("claim_id", "claim_type", "key_type", "status", "dict_status", "started_at")
    show_rows(rows, output, (*columns, "expires_at"), "no claims: dictctl claim create --template")


@app.command()
def timeline(claim_id: ClaimId, output: Output = Format.TABLE) -> None:
    """Everything that happened to the claim, as audit has it; refused commands at the end."""
    asked = _id(claim_id, "CLAIM_ID")
    known = asyncio.run(_read("find", asked))
    rows = asyncio.run(_read("timeline", known[0]["claim_id"] if known else asked))
    if not rows:
        raise _not_found(claim_id)
    told = [row | {"what": _told(row["event_payload"])} for row in rows]
    columns = ("aggregate_sequence", "occurred_at", "event_subtype", "event_type", "what")
    show_rows(told if output is Format.TABLE else rows, output, columns, "")


async def _publish(draft: dict[str, object], claim_id: UUID, command_id: UUID) -> None:
    now = SystemClock().now()
    try:
        record = record_of(draft, claim_id, now)
    except InputRefused as error:
        raise CommandFailed(
            Exit.USAGE, f"{error.reason_code}: {error.detail}", "dictctl claim create --template"
        ) from None
    envelope = Envelope(
        id=command_id,
        type=COMMAND,
        source=SOURCE,
        time=now,
        subject=str(claim_id),
        aggregate_type="claim",
        correlation_id=str(command_id),
        traceparent=current_traceparent(),
    )
    async with bootstrap.open_command_sender() as sender:
        await sender.send(envelope, record)


async def _read(what: str, *arguments: object) -> list[dict[str, Any]]:
    async with bootstrap.open_reader() as reader:
        rows: list[dict[str, Any]] = await getattr(reader, what)(*arguments)
        return rows


def _draft(file: str) -> dict[str, object]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        draft = json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandFailed(
            Exit.USAGE, f"{file} is no JSON file: {error}", "dictctl claim create --template"
        ) from None
    if not isinstance(draft, dict):
        raise CommandFailed(Exit.USAGE, f"{file} must hold one JSON object")
    return draft


def _id(text: str, what: str) -> UUID:
    try:
        return UUID(text) if text else new_id()
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, f"{what} must be a UUID, not {text!r}", "dictctl claim list"
        ) from None


def _not_found(claim_id: str) -> CommandFailed:
    return CommandFailed(Exit.NOT_FOUND, f"no claim {claim_id}", "dictctl claim list")


_TELLING = ("name", "outcome", "reason", "reason_code", "dict_status", "error_type", "detail")


def _told(payload: dict[str, object]) -> str:
    """The fields that say most, in one line."""
    return " · ".join(str(payload[name]) for name in _TELLING if payload.get(name))
