"""Verbs that follow a claim."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from claim_orchestrator.application.claim_timeline import timeline as in_order
from claim_orchestrator.application.claim_timeline import trace_ids
from claim_orchestrator.bootstrap import console
from claim_orchestrator.domain.claim import WorkflowStatus
from claim_orchestrator.entrypoints.asking import ClaimId, claim_id_in, not_found, read
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.telemetry.traces import read_spans

LOOK_SECONDS = 1.0
COLUMNS = ("at", "sequence", "kind", "what", "told", "trace")


def timeline(
    claim_id: ClaimId,
    traces: Annotated[
        Path | None,
        typer.Option(help="a folder with trace files (*.traces.jsonl): their spans join"),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Everything that happened to the claim: events and steps as audit has them, refused commands,
    calls to the Bridge, and the spans of its traces."""
    asked = claim_id_in(claim_id, "CLAIM_ID")
    known = asyncio.run(read("find", asked))
    id_ = known[0]["claim_id"] if known else asked
    events = asyncio.run(read("timeline", id_))
    calls = asyncio.run(read("bridge_calls", id_))
    if not events and not calls:
        raise not_found(claim_id)
    spans = [] if traces is None else read_spans(traces, trace_ids(events))
    rows = in_order(events, calls, spans)
    if output is Format.TABLE:
        for row in rows:
            row["trace"] = (row["trace"] or "")[:8]
    show_rows(rows, output, COLUMNS, "")


def watch(claim_id: ClaimId, output: Output = Format.TABLE) -> None:
    """Follows the claim until it is over: one line for each change of its status."""
    last = asyncio.run(_watch(claim_id, output))
    if output is Format.JSON:
        show_record(last, output)


async def _watch(claim_id: str, output: Format) -> dict[str, Any]:
    asked = claim_id_in(claim_id, "CLAIM_ID")
    seen: tuple[object, object] | None = None
    async with console.open_status() as status:
        while True:
            row = await status(asked)
            if row is None:
                if seen is None:
                    say("not there yet: the command has not been taken, or was refused")
                    seen = ("", "")
            elif (row["status"], row["dict_status"]) != seen:
                seen = (row["status"], row["dict_status"])
                if output is Format.TABLE:
                    say(f"{row['status']:<10} at DICT: {row['dict_status'] or 'unknown'}")
            if row is not None and row["status"] != WorkflowStatus.RUNNING:
                return row
            await asyncio.sleep(LOOK_SECONDS)
