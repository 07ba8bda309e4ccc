"""`dictctl vsync list` and `status`: what ran, and what is proven."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

import typer

from dict_common.console.output import Format, Output, say, show_rows
from dict_common.kernel.clock import SystemClock
from vsync.application.sync_console import (
    Row,
    WantedRuns,
)
from vsync.entrypoints.asking import (
    Limit,
    OfKeyType,
    Participant,
    key_type_in,
    participant_in,
    read,
    say_cut,
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

app = typer.Typer()


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
