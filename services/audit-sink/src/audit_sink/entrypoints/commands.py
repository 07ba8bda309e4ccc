"""`dictctl audit`: what the audit holds."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer

from audit_sink import bootstrap
from audit_sink.entrypoints import partitions
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, show_rows

app = typer.Typer(no_args_is_help=True, help="Audit: search events. Personal data stays sealed.")

app.add_typer(partitions.app, name="partitions")

ROWS_MAX = 10_000


@app.callback()
def audit() -> None:
    """Audit: search events. Personal data stays sealed."""


@app.command()
def search(
    claim: Annotated[str, typer.Option("--claim", metavar="CLAIM_ID", help="a claim's events")],
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX)] = 1_000,
    output: Output = Format.TABLE,
) -> None:
    """A claim's events by sequence, each once, and commands about it that were refused."""
    rows = asyncio.run(_search(_id(claim), limit))
    if not rows:
        raise CommandFailed(
            Exit.NOT_FOUND, f"the audit holds nothing about claim {claim}", "dictctl claim list"
        )
    columns = ("aggregate_sequence", "occurred_at", "event_type", "event_subtype", "event_id")
    show_rows(rows, output, (*columns, "correlation_id"), "")


async def _search(claim_id: UUID, limit: int) -> list[dict[str, Any]]:
    async with bootstrap.open_reader() as search_audit:
        return await search_audit(str(claim_id), limit)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, f"--claim must be a UUID, not {text!r}", "dictctl claim list"
        ) from None
