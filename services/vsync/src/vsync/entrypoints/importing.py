"""`dictctl vsync import`: a base that stands elsewhere becomes ours."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record
from dict_common.console.publishing import DryRun, Why, check_why, operator_token
from dict_common.kernel.clock import SystemClock, from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import sane
from vsync.application.import_entries import Imported, ImportOrder, ImportRuns, RowsFile
from vsync.bootstrap.console import operator_of
from vsync.bootstrap.importing import (
    WORKERS_MAX,
    open_file,
    open_import,
    write_report,
)
from vsync.domain.imports import Counted

app = typer.Typer()

HELP = "dictctl vsync import -h"
SAY_EVERY_SECONDS = 5.0

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="FILE.csv, FILE.parquet")
]
AsOf = Annotated[
    str, typer.Option(metavar="TIME", help="when DICT had what the file says; RFC 3339, zone")
]
Report = Annotated[
    Path | None, typer.Option(dir_okay=False, help="where bad rows are told; FILE.bad.csv if none")
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=WORKERS_MAX, help="processes; one for each processor")
]


@app.command("import")
def import_(
    file: File,
    as_of: AsOf,
    why: Why,
    report: Report = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Imports entries from a file; nothing newer is overwritten, nothing is deleted.

    Columns: entry_id, participant, key_type, key, tax_id, name, trade_name, branch,
    account_number, account_type, request_id. Killed, it goes on when it is typed again.
    """
    check_why(why)
    instant = _instant(as_of)
    try:
        operator = operator_of(operator_token(), SystemClock().now())
        opened = open_file(file)
        order = ImportOrder(instant, operator, why, SystemClock().now())
        done = asyncio.run(_done(opened, order, workers, dry_run=dry_run))
    except ImportRuns as error:
        raise CommandFailed(Exit.CONFLICT, error.detail, HELP) from None
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, f"{error.reason_code}: {error.detail}", HELP) from None
    _tell(done, report or file.with_name(f"{file.name}.bad.csv"), instant, output)


async def _done(
    file: RowsFile, order: ImportOrder, workers: int | None, *, dry_run: bool
) -> Imported:
    async with open_import(workers) as import_entries:
        if dry_run:
            return await import_entries.look(file, order.as_of, _progress())
        return await import_entries(file, order, _progress())


def _progress() -> Callable[[Counted], None]:
    """Says how far it is, every few seconds."""
    begin = said = time.monotonic()

    def progress(counted: Counted) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= SAY_EVERY_SECONDS:
            said = now
            say(f"{counted.rows} rows after {now - begin:.0f} s, {counted.bad} of them bad")

    return progress


def _tell(done: Imported, report: Path, as_of: datetime, output: Format) -> None:
    counted = done.counted
    told: dict[str, object] = {
        "import_id": done.import_id,
        "file_sha256": done.file_sha256,
        "as_of": as_of,
        "rows": counted.rows,
        "created": counted.created,
        "updated": counted.updated,
        "unchanged": counted.unchanged,
        "overtaken": counted.overtaken,
        "seen": counted.seen,
        "bad": counted.bad,
        "report": str(report) if done.faults else None,
        "imported_before": done.before,
    }
    if done.faults:
        try:
            write_report(report, done.faults)
        except OSError as error:
            raise CommandFailed(
                Exit.FAILED, f"{report}: {error.strerror}", "choose another with --report"
            ) from None
    show_record(told, output)
    if done.before is not None:
        say("this file was imported before, as of the same instant: nothing was done")
    elif done.import_id is None:
        say("nothing was changed: it was a dry run")
    if done.faults:
        raise CommandFailed(
            Exit.FAILED,
            f"{counted.bad} bad rows were left out; lines, columns and rules stand in {report}",
            "mend them, and import the file again: good rows change nothing twice",
        )


def _instant(text: str) -> datetime:
    instant = from_rfc3339(text)
    if instant is None:
        raise CommandFailed(
            Exit.USAGE,
            f"--as-of must be a time with its zone, such as 2026-01-31T12:00:00Z, not {text!r}",
            HELP,
        )
    try:
        sane(instant, "--as-of")
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, error.detail, HELP) from None
    if instant > SystemClock().now():
        raise CommandFailed(
            Exit.USAGE,
            "--as-of is in the future: whatever Core tells until then would be overtaken",
            HELP,
        )
    return instant
