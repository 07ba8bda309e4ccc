"""`dictctl vsync list`, `status` and `report`: what ran, what is proven, what differed."""

import asyncio
import csv
import sys
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from vsync.application.sync_console import (
    Row,
    WantedDiscrepancies,
    WantedRuns,
    parts_of,
)
from vsync.application.sync_report import COLUMNS, reported
from vsync.bootstrap import console
from vsync.entrypoints.asking import (
    LIST,
    Limit,
    OfKeyType,
    Participant,
    id_in,
    key_type_in,
    participant_in,
    read,
    say_cut,
    say_sealed,
    word_in,
)

STATUSES = ("RUNNING", "COMPLETED", "PARTIAL", "FAILED")
PROOF_HOURS_MAX = 30
"""Six hours before Bacen's longest interval between two proofs."""
PARTS_MAX = 1_000
RUNS = (
    "run_id",
    "participant",
    "key_type",
    "status",
    "reason_code",
    "started_at",
    "seconds",
    "found",
    "created",
    "updated",
    "in_review",
    "failed",
    "requests",
    "proven_at",
)
SETS = (
    "participant",
    "key_type",
    "keys",
    "vsync",
    "proven_at",
    "hours",
    "overdue",
    "last_status",
    "last_run_at",
)
DISCREPANCIES = ("key_type", "type", "key", "entry_id", "dict_at", "became", "reason_code")

app = typer.Typer()


class ReportFormat(StrEnum):
    """csv: a line for each discrepancy."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command("list")
def list_(
    participant: Participant = "",
    key_type: OfKeyType = "",
    status: Annotated[str, typer.Option(help=", ".join(STATUSES))] = "",
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """Runs, the newest first; without a key type: a participant's whole run."""
    wanted = WantedRuns(
        participant=participant_in(participant),
        key_type=key_type_in(key_type),
        status=word_in(status, STATUSES, "--status"),
    )
    rows = asyncio.run(read("runs", wanted, limit))
    show_rows([timed(row) for row in rows], output, RUNS, "no such runs: dictctl vsync run")
    say_cut(rows, limit)


@app.command()
def status(output: Output = Format.TABLE) -> None:
    """Each participant's keys of one type: how many, their VSync, when DICT last called it OK."""
    now = SystemClock().now()
    rows = [_aged(row, now) for row in asyncio.run(read("sets"))]
    show_rows(rows, output, SETS, "no keys and no runs yet: dictctl vsync run")
    late = sum(bool(row["overdue"]) for row in rows)
    if late:
        say(
            f"{late} sets were not proven for {PROOF_HOURS_MAX} h, and Bacen wants it every 36 h: "
            "dictctl vsync run --wait"
        )


@app.command()
def report(
    id_: Annotated[str, typer.Argument(metavar="RUN_OR_REPORT_ID", help=f"as {LIST} names it")],
    format_: Annotated[
        ReportFormat,
        typer.Option("--format", "-o", "--output", help="csv: the discrepancies alone"),
    ] = ReportFormat.TABLE,
    limit: Limit = 1_000,
) -> None:
    """A run and each discrepancy that it found: keys masked, and what became of them.

    A participant's whole run shows the runs over its key types, and what they found.
    """
    opener = console.opener()
    run, parts, found = asyncio.run(_reported(id_in(id_, "RUN_OR_REPORT_ID"), limit))
    rows = [reported(it, opener) for it in found]
    if format_ is ReportFormat.CSV:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _written(it[name]) for name in COLUMNS} for it in rows)
    elif format_ is ReportFormat.JSON:
        show_record({"run": run, "parts": parts, "discrepancies": rows}, Format.JSON)
    else:
        show_record(run, Format.TABLE)
        if parts:
            show_rows(parts, Format.TABLE, RUNS, "")
        show_rows(rows, Format.TABLE, DISCREPANCIES, "nothing differed")
        if rows:
            say(f"why: dictctl vsync explain --run {run['run_id']}")
    say_cut(rows, limit)
    say_sealed(opener)


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


def timed(row: Row) -> Row:
    """A run with its duration in `seconds`."""
    ms = row["duration_ms"]
    return row | {"seconds": None if ms is None else round(ms / 1_000, 1)}


def _aged(row: Row, now: datetime) -> Row:
    """`hours` since the last proof; `overdue`: too many, or none was ever made."""
    proven = row["proven_at"]
    age = None if proven is None else now - proven
    return row | {
        "hours": None if age is None else round(age / timedelta(hours=1), 1),
        "overdue": age is None or age > timedelta(hours=PROOF_HOURS_MAX),
    }


def _written(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
