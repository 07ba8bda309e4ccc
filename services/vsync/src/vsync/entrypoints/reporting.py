"""`dictctl vsync report`: a run, and what became of each key that differed."""

import asyncio
import csv
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from vsync.application.sync_console import Row, WantedDiscrepancies, WantedRuns, parts_of
from vsync.application.sync_report import CLEAR_COLUMNS, COLUMNS, reported, reported_in_clear
from vsync.bootstrap import console
from vsync.entrypoints.asking import LIST, Limit, id_in, say_cut, say_sealed
from vsync.entrypoints.looking import PARTS_MAX, RUNS, timed
from vsync.entrypoints.opening import RUN, Opening, Reason, opening

HELP = "dictctl vsync report -h"
DISCREPANCIES = ("key_type", "type", "key", "entry_id", "dict_at", "became", "reason_code")
IN_CLEAR = (
    *("key_type", "type", "key", "ours_name", "dict_name", "ours_tax_id", "dict_tax_id"),
    *("entry_id", "became"),
)

app = typer.Typer()


class ReportFormat(StrEnum):
    """csv: a line for each discrepancy."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command()
def report(
    id_: Annotated[str, typer.Argument(metavar="RUN_OR_REPORT_ID", help=f"as {LIST} names it")],
    format_: Annotated[
        ReportFormat,
        typer.Option("--format", "-o", "--output", help="csv: the discrepancies alone"),
    ] = ReportFormat.TABLE,
    reason: Reason = None,
    limit: Limit = 1_000,
) -> None:
    """A run and each discrepancy that it found: keys masked, and what became of them.

    A participant's whole run shows the runs over its key types, and what they found.
    """
    opener = console.opener()
    opens = opening(reason, opener, HELP)
    run, parts, found = asyncio.run(_reported(id_in(id_, "RUN_OR_REPORT_ID"), limit))
    shown = reported if opens is None else reported_in_clear
    rows = [shown(it, opener) for it in found]
    if opens is not None:
        asyncio.run(opens.tell(RUN, run["run_id"], rows))
    _show(run, parts, rows, format_, opens)
    say_cut(rows, limit)
    say_sealed(opener)


def _show(
    run: Row, parts: list[Row], rows: list[Row], format_: ReportFormat, opens: Opening | None
) -> None:
    if format_ is ReportFormat.CSV:
        columns = COLUMNS if opens is None else CLEAR_COLUMNS
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _written(it[name]) for name in columns} for it in rows)
    elif format_ is ReportFormat.JSON:
        show_record({"run": run, "parts": parts, "discrepancies": rows}, Format.JSON)
    else:
        show_record(run, Format.TABLE)
        if parts:
            show_rows(parts, Format.TABLE, RUNS, "")
        columns = DISCREPANCIES if opens is None else IN_CLEAR
        show_rows(rows, Format.TABLE, columns, "nothing differed")
        if rows:
            say(f"why: dictctl vsync explain --run {run['run_id']}")


async def _reported(id_: UUID, limit: int) -> tuple[Row, list[Row], list[Row]]:
    async with console.open_reader() as reader:
        runs = await reader.runs(WantedRuns(id=id_), 1)
        if not runs:
            raise CommandFailed(Exit.NOT_FOUND, f"no run and no report {id_}", LIST)
        (run,) = runs
        parts = []
        if run["key_type"] is None:
            parts = await reader.runs(parts_of(run, SystemClock().now()), PARTS_MAX)
        wanted = WantedDiscrepancies(runs=[it["run_id"] for it in (run, *parts)])
        found = await reader.discrepancies(wanted, limit)
    return timed(run), [timed(it) for it in parts], found


def _written(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
