"""`dictctl audit reconcile`: topics and table tell the same, or what differs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from audit_sink.application.reconcile import Reconcile
from audit_sink.application.reconciliation import Asked, Progress, Reconciled, SinkBehind
from audit_sink.bootstrap import reconciliation
from audit_sink.domain.reconciliation import Difference, Window
from audit_sink.entrypoints import asking
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import InputRefused
from dict_schemas.topics import event_topics

HELP = "dictctl audit reconcile -h"
SHOWN_MAX = 100_000
WAIT_SECONDS_MAX = 86_400.0
INTERRUPTED = 130
"""As shells say it: 1 would mean that something differs."""
COLUMNS = ("kind", "event_id", "occurred_at", "subtype", "where", "workflow_id", "columns")


def reconcile(
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="from here on; a date or RFC 3339, UTC")
    ],
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="before it; now if left out")
    ] = "",
    content: Annotated[
        bool, typer.Option("--content", help="compares every column, not the ids alone")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, max=WAIT_SECONDS_MAX, help="for a sink behind"),
    ] = 60.0,
    limit: Annotated[
        int, typer.Option(min=0, max=SHOWN_MAX, help="shown of each kind; all are counted")
    ] = 100,
    output: Output = Format.TABLE,
) -> None:
    """Proves that topics and table hold the same events of a time, or says what differs.

    By when they happened. Reads only. Exit code 0: they do; 1: something differs; else: not known.
    """
    window = _window(since, until)
    declared = event_topics()
    try:
        done = asyncio.run(_reconcile(Asked(window, wait, limit, declared), content=content))
    except SinkBehind as error:
        raise CommandFailed(
            Exit.CONFLICT, _behind(error.progress), "dictctl stack status"
        ) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("interrupted: nothing is known, and nothing is left behind")
        raise typer.Exit(INTERRUPTED) from None
    _show(window, done, output)
    if not done.equal:
        raise CommandFailed(Exit.FAILED, _told(done), "docs/howto/reconcile.md")


async def _reconcile(asked: Asked, *, content: bool) -> Reconciled:
    async with reconciliation.open_sides(content=content) as sides:
        return await Reconcile(sides, say)(asked)


def _window(since: str, until: str) -> Window:
    begin = asking.instant(since, "--from")
    end = asking.instant(until, "--to") or SystemClock().now()
    if begin is None:
        raise CommandFailed(Exit.USAGE, "--from must be a time", HELP)
    try:
        return Window(begin, end)
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, error.detail, HELP) from None


def _show(window: Window, done: Reconciled, output: Format) -> None:
    counts = done.counts
    summary = {
        "from": window.since,
        "to": window.until,
        "equal": done.equal,
        "messages": counts.messages,
        "events": counts.events,
        "rows": counts.rows,
    }
    letters = {f"dead_letters_{state}": number for state, number in counts.letters.items()}
    if output is Format.JSON:
        found = {
            "differences": {str(kind): number for kind, number in done.differences.items()},
            "shown": [_shown(it) for it in done.shown],
        }
        show_record(summary | letters | found, output)
        return
    show_record(summary | letters, output)
    if done.shown:
        show_rows([_cells(it) for it in done.shown], output, COLUMNS, "")


def _shown(it: Difference) -> dict[str, object]:
    return {
        "kind": str(it.kind),
        "event_id": it.event_id,
        "occurred_at": it.occurred_at,
        "topic": it.place.topic if it.place else None,
        "partition": it.place.partition if it.place else None,
        "message_id": it.place.message_id if it.place else None,
        "subtype": it.subtype,
        "workflow_id": it.workflow_id,
        "columns": list(it.columns),
    }


def _cells(it: Difference) -> dict[str, object]:
    at = it.occurred_at
    return _shown(it) | {
        "occurred_at": at.isoformat() if isinstance(at, datetime) else None,
        "where": f"{it.place.topic} {it.place.message_id}" if it.place else None,
        "columns": ", ".join(it.columns) or None,
    }


def _told(done: Reconciled) -> str:
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(done.differences.items()))
    hidden = sum(done.differences.values()) - len(done.shown)
    return f"topics and table differ: {told}" + (
        f" ({hidden} not shown: --limit)" if hidden else ""
    )


def _behind(progress: Sequence[Progress]) -> str:
    # A topic that no sink has subscribed to has no backlog.
    topics_ = ", ".join(
        f"{it.topic} ({it.behind} messages)" if it.behind else it.topic for it in progress
    )
    why = (
        "a sink is connected: give it more --wait, or it stands and its log says why (sink-paused)"
        if any(it.consumers for it in progress)
        else "no sink is connected: start audit_sink.entrypoints.sink"
    )
    return f"the sink has not acknowledged all of {topics_}; {why}"
