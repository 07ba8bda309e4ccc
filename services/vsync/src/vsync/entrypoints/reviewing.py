"""`dictctl review`: entries of ours that DICT does not have, and that a person decides about."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.console.publishing import DryRun, Why, by_operator, check_why, publish
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.ids import new_id
from vsync.application.sync_console import Opener, Row, WantedReviews
from vsync.application.sync_report import SEALED
from vsync.bootstrap import console
from vsync.domain.masking import key_of
from vsync.domain.review import Decision
from vsync.entrypoints.asking import Limit, id_in, read, say_cut, say_sealed, word_in

app = typer.Typer(
    no_args_is_help=True, help="Entries that DICT does not have: who decides, and by when."
)

LIST = "dictctl review list"
RESOLVED = "RESOLVED"
STATUSES = ("PENDING", "INVESTIGATING", "AWAITING_SECOND", "KEEPING", RESOLVED)
COLUMNS = (
    "review_id",
    "participant",
    "key_type",
    "key",
    "status",
    "age_hours",
    "decide_by",
    "overdue",
    "run_id",
)
CLOSED = (RESOLVED, "KEEPING")
NEXT = {
    Decision.CONFIRM_DELETION: "next: another person decides the same: "
    "dictctl review decide {review_id} CONFIRM_DELETION --why TICKET",
    Decision.KEEP: "next: DICT is asked: dictctl review show {review_id}",
    Decision.INVESTIGATE: "next: dictctl review show {review_id}",
}
WHY = {
    "MISSING_BACEN": "our VSync had the entry and DICT did not, asked for it twice: it was taken "
    "out of the VSync, and nothing was deleted"
}


@app.command("list")
def list_(
    status: Annotated[
        str, typer.Option(help=f"{', '.join(STATUSES)}; all but {RESOLVED} if left out")
    ] = "",
    overdue: Annotated[
        bool, typer.Option("--overdue", help="only those whose time to decide is over")
    ] = False,
    limit: Limit = 100,
    output: Output = Format.TABLE,
) -> None:
    """Open reviews, the most urgent first."""
    now, word = SystemClock().now(), word_in(status, STATUSES, "--status")
    wanted = WantedReviews(
        status=word, resolved_too=word == RESOLVED, overdue_at=now if overdue else None
    )
    opener = console.opener()
    rows = [_shown(row, now, opener) for row in asyncio.run(read("reviews", wanted, limit))]
    show_rows(rows, output, COLUMNS, "no such reviews")
    say_cut(rows, limit)
    say_sealed(opener)


@app.command()
def show(
    review_id: Annotated[str, typer.Argument(metavar="REVIEW_ID", help=f"as {LIST} names it")],
    output: Output = Format.TABLE,
) -> None:
    """One review: its entry, why, since when, and by when it is to be decided."""
    opener = console.opener()
    row = asyncio.run(_one(id_in(review_id, "REVIEW_ID", LIST)))
    told = _shown(row, SystemClock().now(), opener)
    show_record(told | {"why": WHY.get(row["reason"], row["reason"])}, output)
    say(f"next: dictctl vsync explain --entry {row['entry_id']}")
    say_sealed(opener)


@app.command()
def decide(
    review_id: Annotated[str, typer.Argument(metavar="REVIEW_ID", help=f"as {LIST} names it")],
    decision: Annotated[str, typer.Argument(metavar="DECISION", help=", ".join(Decision))],
    why: Why,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Decides: CONFIRM_DELETION (two persons), KEEP (registers the key again), INVESTIGATE."""
    check_why(why)
    row = asyncio.run(_one(id_in(review_id, "REVIEW_ID", LIST)))
    word = _decision_in(decision)
    if row["status"] in CLOSED:
        raise CommandFailed(
            Exit.CONFLICT, f"the review is {row['status']}: nothing to decide now", LIST
        )
    command_id = new_id()
    record: dict[str, object] = {
        "review_id": str(row["review_id"]),
        "decision": str(word),
        "reason": why,
        "dry_run": False,
        "decided_at": SystemClock().now(),
    }
    if not dry_run:
        asyncio.run(
            publish(by_operator("review.decide", "review", "review_id", command_id, record))
        )
    told = {"command_id": command_id, "review_id": row["review_id"], "decision": str(word)}
    show_record(told | {"published": not dry_run}, output)
    say(NEXT[word].format(review_id=row["review_id"]))


def _decision_in(text: str) -> Decision:
    try:
        return Decision(text.upper())
    except ValueError:
        words = ", ".join(Decision)
        raise CommandFailed(Exit.USAGE, f"DECISION: one of {words}", LIST) from None


async def _one(review_id: UUID) -> Row:
    rows = await read("reviews", WantedReviews(id=review_id, resolved_too=True), 1)
    if not rows:
        raise CommandFailed(Exit.NOT_FOUND, f"no review {review_id}", LIST)
    return rows[0]


def _shown(row: Row, now: datetime, opener: Opener) -> Row:
    """With the key masked; a review that was resolved keeps none."""
    papers = opener(row["key_encrypted"])
    open_ = row["status"] != RESOLVED
    until = now if open_ else row["resolved_at"]
    key = None if row["key_encrypted"] is None else SEALED
    told = {name: value for name, value in row.items() if name != "key_encrypted"}
    return told | {
        "key": key if papers is None else key_of(papers.attributes),
        "age_hours": round((until - row["created_at"]) / timedelta(hours=1), 1),
        "overdue": open_ and row["decide_by"] < now,
    }
