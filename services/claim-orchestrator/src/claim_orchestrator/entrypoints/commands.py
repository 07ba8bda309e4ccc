"""`dictctl claim`: publish as Core or as an operator would, and follow. There is no back door."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from claim_orchestrator.application.claim_console import CREATE, record_of, template
from claim_orchestrator.domain.claim import WorkflowStatus
from claim_orchestrator.entrypoints import deciding, following
from claim_orchestrator.entrypoints.asking import ClaimId, claim_id_in, not_found, publish, read
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import time_of

app = typer.Typer(no_args_is_help=True, help="Claims: open, decide, follow, mend.")


@app.command()
def create(
    file: Annotated[
        str, typer.Option("--file", "-f", help="JSON with the claim's fields; - reads stdin")
    ] = "",
    claim_id: Annotated[str, typer.Option(help="a UUID; a new one if left out")] = "",
    command_id: Annotated[
        str, typer.Option(help="ce_id, a UUIDv7; with the same --claim-id the same command again")
    ] = "",
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
    ids = claim_id_in(claim_id, "--claim-id"), claim_id_in(command_id, "--command-id")
    try:
        record = record_of(_draft(file), ids[0], time_of(ids[1]) or SystemClock().now())
    except InputRefused as error:
        raise CommandFailed(
            Exit.USAGE, f"{error.reason_code}: {error.detail}", "dictctl claim create --template"
        ) from None
    asyncio.run(publish(CREATE, *ids, record))
    show_record({"claim_id": ids[0], "command_id": ids[1]}, output)
    say(f"next: dictctl claim watch {ids[0]}")


@app.command()
def get(claim_id: ClaimId, output: Output = Format.TABLE) -> None:
    """The claim's state."""
    rows = asyncio.run(read("find", claim_id_in(claim_id, "CLAIM_ID")))
    if not rows:
        raise not_found(claim_id)
    show_record(rows[0], output)


@app.command("list")
def list_(
    status: Annotated[str, typer.Option(help="RUNNING, COMPLETED, CANCELLED or FAILED")] = "",
    held: Annotated[
        bool, typer.Option("--held", help="only those with an error that waits for somebody")
    ] = False,
    after: Annotated[
        str, typer.Option(metavar="CLAIM_ID", help="the next page: what follows that claim")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    output: Output = Format.TABLE,
) -> None:
    """The newest claims first."""
    if status and status not in set(WorkflowStatus):
        raise CommandFailed(
            Exit.USAGE, f"--status must be one of {', '.join(WorkflowStatus)}", "dictctl claim list"
        )
    last = claim_id_in(after, "--after") if after else None
    if last is not None and not asyncio.run(read("find", last)):
        raise not_found(after)
    rows = asyncio.run(read("newest", status or None, held, last, limit))
    columns = ("claim_id", "claim_type", "key_type", "status", "dict_status", "started_at")
    more = ("expires_at", "last_error")
    nothing = "nothing is held" if held else "no claims: dictctl claim create --template"
    show_rows(rows, output, (*columns, *more), nothing)


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


app.command()(following.timeline)
app.command()(following.watch)
app.command()(deciding.decide)
app.command()(deciding.resume)
app.command()(deciding.cancel)
