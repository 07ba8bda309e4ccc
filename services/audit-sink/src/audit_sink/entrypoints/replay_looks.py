"""`dictctl replay plan|status|compare`: what a replay would do, does and did; nothing changes."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from audit_sink.bootstrap import console
from audit_sink.bootstrap.event_log import open_log
from audit_sink.domain.positions import Published, Span
from audit_sink.domain.replay import Sandbox, State
from audit_sink.entrypoints.asking import instant
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.store.letter_actions import requests_of
from dict_schemas.topics import event_topics

STATUS = "dictctl replay status"
RUNS_MAX = 1_000
REFUSALS_MAX = 1_000
DIFFERENCES_MAX = 10_000
LISTED = (
    "run_id",
    "state",
    "sandbox",
    "progress",
    "new_rows",
    "duplicates",
    "refused",
    "waits_for",
)
SPANS = (
    "topic",
    "partition",
    "done",
    "entries_read",
    "entries",
    "new_rows",
    "duplicates",
    "refused",
    "outside",
)

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help=f"as {STATUS} names it")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="such as claim.created; repeat it; default: all")
]
Since = Annotated[str, typer.Option("--from", metavar="TIME", help="published then or later")]
Until = Annotated[str, typer.Option("--to", metavar="TIME", help="published before")]
InSandbox = Annotated[
    bool, typer.Option("--sandbox", help="into tables of its own; without it: into the audit")
]


app = typer.Typer()


@dataclass(frozen=True)
class Asked:
    """What shall be read again, and where to."""

    topics: tuple[str, ...]
    published: Published
    sandbox: bool


@app.command()
def plan(
    topic: Topics = None,
    since: Since = "",
    until: Until = "",
    sandbox: InSandbox = False,
    output: Output = Format.TABLE,
) -> None:
    """What a replay would read now, and how long that took the last times. Changes nothing."""
    asked = asked_of(topic, since, until, sandbox=sandbox)
    spans, rate = asyncio.run(_planned(asked))
    rows = [_of_topic(name, spans) for name in asked.topics]
    entries = sum(span.entries for span in spans)
    seconds = round(entries / rate) if rate else None
    if output is Format.JSON:
        total = {"entries": entries, "bytes": sum(span.bytes for span in spans)}
        show_record({"topics": rows, **total, "estimated_seconds": seconds}, output)
        return
    show_rows(rows, output, ("topic", "partitions", "entries", "bytes"), "no topics")
    took = "unknown until one has ended" if seconds is None else f"about {seconds} s, as the last"
    say(f"{entries} entries of the broker, one or several events each; time: {took}")
    say("next: dictctl replay start --why … with the same options")


@app.command()
def status(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN_ID]")] = None,
    limit: Annotated[int, typer.Option(min=1, max=RUNS_MAX, help="the newest so many")] = 20,
    output: Output = Format.TABLE,
) -> None:
    """The newest replays; or one: how far each partition is, and what was no row."""
    if run_id is None:
        runs = [_told(run) for run in asyncio.run(_runs(None, limit))]
        show_rows(runs, output, LISTED, "no replay was asked for")
        return
    run, spans, refusals = asyncio.run(_whole(run_id_of(run_id)))
    if output is Format.JSON:
        show_record(_told(run) | {"spans": spans, "refusals": refusals}, output)
        return
    show_record(_told(run), output)
    show_rows(spans, output, SPANS, "nothing is there to be read")
    if refusals:
        say(
            "no rows (their dead letters, if they are open: dictctl dlq list --service audit-sink):"
        )
        show_rows(refusals, output, ("topic", "message_id", "reason_code", "detail"), "")


@app.command()
def compare(
    run_id: RunId,
    limit: Annotated[int, typer.Option(min=1, max=DIFFERENCES_MAX)] = 100,
    output: Output = Format.TABLE,
) -> None:
    """A sandbox against the audit's rows of the same messages; exit code 1 if they differ."""
    run, found = asyncio.run(_compare(run_id_of(run_id), limit))
    told = {"run_id": run["run_id"], "rows": found.rows, "differences": found.differences}
    if output is Format.JSON:
        show_record(told | {"found": found.found}, output)
    else:
        show_record(told, output)
        columns = ("difference", "event_id", "occurred_at", "event_subtype")
        show_rows(found.found, output, columns, "they are the same")
    if found.differences:
        raise CommandFailed(
            Exit.FAILED, f"{found.differences} rows differ", "dictctl audit search --event EVENT_ID"
        )


def asked_of(topics: list[str] | None, since: str, until: str, *, sandbox: bool) -> Asked:
    """The options as they were typed. Raises CommandFailed."""
    known = event_topics()
    named = tuple(dict.fromkeys(topics or known))
    for name in named:
        if name not in known:
            raise CommandFailed(
                Exit.USAGE, f"no topic of dict/events is named {name!r}", "dictctl topics list"
            )
    published = Published(instant(since, "--from"), instant(until, "--to"))
    if published.since and published.until and published.since >= published.until:
        raise CommandFailed(Exit.USAGE, "--from must be before --to", "dictctl replay plan -h")
    return Asked(named, published, sandbox)


def _of_topic(name: str, spans: list[Span]) -> dict[str, object]:
    mine = [span for span in spans if span.topic == name]
    return {
        "topic": name,
        "partitions": len(mine),
        "entries": sum(span.entries for span in mine),
        "bytes": sum(span.bytes for span in mine),
    }


def _told(run: dict[str, Any]) -> dict[str, Any]:
    """With how far it is: None before its ends are fixed."""
    entries, read = run["entries"], run["entries_read"]
    progress = left = None
    if run["planned_at"] is not None:
        progress = f"{100 * read // entries if entries else 100} %"
        if read and run["ended_at"] is None:
            left = round(run["active_seconds"] * (entries - read) / read)
    return run | {"progress": progress, "seconds_left": left}


def run_id_of(text: str) -> UUID:
    """Raises CommandFailed."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(Exit.USAGE, f"RUN_ID must be a UUID, not {text!r}", STATUS) from None


async def _planned(asked: Asked) -> tuple[list[Span], float | None]:
    async with console.open_replays() as views, open_log() as log:
        spans = await log.spans(asked.topics, asked.published)
        return spans, await views.entries_per_second(sandbox=asked.sandbox)


async def _runs(run_id: UUID | None, limit: int) -> list[dict[str, Any]]:
    async with console.open_replays() as views:
        return await views.runs(run_id, limit)


async def known(run_id: UUID) -> list[dict[str, Any]]:
    """The run, alone. Raises CommandFailed; a request that was refused is told why."""
    runs = await _runs(run_id, 1)
    if runs:
        return runs
    async with console.open_operator() as database:
        requests = await requests_of(database, [run_id], 1)
    for request in requests:
        outcome, detail = request["outcome"] or "", request["detail"] or "the audit will say why"
        if outcome.startswith("rejected:"):
            raise CommandFailed(
                Exit.FAILED, f"the desk refused it, {outcome.removeprefix('rejected:')}: {detail}"
            )
    raise CommandFailed(Exit.NOT_FOUND, f"the desk has taken no replay {run_id} yet", STATUS)


async def _whole(run_id: UUID) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    (run,) = await known(run_id)
    async with console.open_replays() as views:
        return run, await views.spans(run_id), await views.refusals(run_id, REFUSALS_MAX)


async def _compare(run_id: UUID, limit: int) -> tuple[dict[str, Any], Any]:
    (run,) = await known(run_id)
    if run["sandbox_state"] != Sandbox.THERE or run["state"] != State.COMPLETED:
        raise CommandFailed(
            Exit.CONFLICT,
            f"the replay is {run['state']}, its sandbox {run['sandbox_state'] or 'none'}: only a "
            "sandbox that was filled can be compared",
            f"{STATUS} {run_id}",
        )
    async with console.open_replays() as views:
        return run, await views.compare(run, limit)
