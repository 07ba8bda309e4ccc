"""`dictctl audit search`, `tail` and `export`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from audit_sink.application.audit_search import AfterUnknown, Row
from audit_sink.application.export import Exported, FileNotWritten
from audit_sink.application.export import Format as FileFormat
from audit_sink.application.follow import Follow
from audit_sink.bootstrap import console
from audit_sink.domain.criteria import Criteria
from audit_sink.entrypoints import asking
from audit_sink.entrypoints.asking import Typed
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, printable, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock

ROWS_MAX = 10_000
COLUMNS = ("aggregate_sequence", "occurred_at", "event_type", "event_subtype", "event_id")
TAIL_LINES = 20


@asking.with_criteria
def search(
    typed: Typed,
    after: Annotated[
        str, typer.Option(metavar="EVENT_ID", help="the next page: what follows that event")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX)] = 1_000,
    output: Output = Format.TABLE,
) -> None:
    """Events that fit all options. A claim's or an aggregate's by sequence, else the newest first.

    A claim's include, last, the commands about it that were refused.
    """
    asked = typed.criteria(something=True)
    rows = asyncio.run(_search(asked, limit, asking.after_of(after)))
    if not rows and not after:
        about = f"about claim {typed.claim}" if typed.claim else "that fits all of it"
        raise CommandFailed(
            Exit.NOT_FOUND,
            f"the audit holds nothing {about}",
            "dictctl claim list" if typed.claim else asking.HELP,
        )
    more = ("correlation_id",) if asked.one_aggregate else ("aggregate_type", "aggregate_id")
    show_rows(rows, output, (*COLUMNS, *more), "nothing follows it")
    if len(rows) == limit:
        say(f"there may be more: --after {rows[-1]['event_id']}")


@asking.with_criteria
def tail(
    typed: Typed,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=ROWS_MAX)] = TAIL_LINES,
    follow_: Annotated[
        bool, typer.Option("--follow", "-f", help="then each new one as it is committed")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """The newest events that fit, the oldest of them first; a line each, with -o json an object.

    --follow goes on in the order of commits until Ctrl-C, none left out and none twice, and
    waits for a database that is away.
    """
    asked = typed.criteria(something=False)
    try:
        asyncio.run(_tail(asked, lines, output, goes_on=follow_))
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@asking.with_criteria
def export(
    typed: Typed,
    out: Annotated[Path, typer.Option("--out", metavar="FILE")],
    format_: Annotated[FileFormat, typer.Option("--format")],
    force: Annotated[bool, typer.Option("--force", help="replaces FILE if it is there")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Everything that fits, in the order of time, into a file; personal data stays sealed.

    All of one instant, however long it takes. The file is there when it is whole.
    """
    asked = typed.criteria(something=True)
    try:
        done = asyncio.run(_export(asked, out, format_, force=force))
    except FileExistsError:
        raise CommandFailed(
            Exit.CONFLICT, f"{out} is there already", "another --out, or --force"
        ) from None
    except FileNotWritten as error:
        raise CommandFailed(Exit.FAILED, error.detail, "another --out") from None
    show_record({"file": str(out), "rows": done.rows, "sha256": done.sha256}, output)


async def _search(asked: Criteria, limit: int, after: UUID | None) -> Sequence[Row]:
    async with console.open_reader() as audit:
        try:
            return await audit.search(asked, limit, after, SystemClock().now())
        except AfterUnknown:
            raise CommandFailed(
                Exit.NOT_FOUND, f"--after: the audit holds no event {after}", asking.HELP
            ) from None


async def _tail(asked: Criteria, lines: int, output: Format, *, goes_on: bool) -> None:
    def show(rows: Iterable[Row]) -> None:
        for row in rows:
            sys.stdout.write(_line(row, output) + "\n")
        sys.stdout.flush()

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with console.open_reader() as audit:
        rows, head = await audit.last(asked, lines, SystemClock().now())
        show(rows)
        if goes_on:
            say(f"following the chain from {head} on; Ctrl-C ends it")
            await Follow(audit, asked, show, say)(head, stop)


async def _export(asked: Criteria, out: Path, format_: FileFormat, *, force: bool) -> Exported:
    async with console.open_export(out, format_, force=force) as (audit, file):
        async with audit.stream(asked) as pieces:
            async for rows in pieces:
                file.write(rows)
        return file.end()


def _line(row: Row, output: Format) -> str:
    if output is Format.JSON:
        return json.dumps(dict(row), default=_plain)
    told = (
        _plain(row["occurred_at"]),
        f"{row['event_subtype']!s:<24}",
        f"{row['event_type']!s:<20}",
        f"{row['aggregate_type']}/{row['aggregate_id']} #{row['aggregate_sequence']}",
        str(row["event_id"]),
    )
    return printable("  ".join(told))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
