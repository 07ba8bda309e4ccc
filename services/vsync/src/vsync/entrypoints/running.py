"""`dictctl vsync run`: a run now, asked for as Core would."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console import publishing
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.console.publishing import Draft, DryRun
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id
from vsync.application.await_runs import AwaitRuns
from vsync.application.sync_console import RUN, RUN_AGGREGATE, AskedRun, Row, workflow_ids
from vsync.bootstrap import console
from vsync.domain.sync_run import SyncStatus
from vsync.entrypoints.asking import HELP, LIST, Participant, instant_in, participant_in
from vsync.entrypoints.looking import RUNS, timed

LOOK_SECONDS = 1.0

app = typer.Typer()


@app.command()
def run(
    participant: Participant = "",
    full: Annotated[
        bool, typer.Option("--full", help="by a file of all CIDs: one of forty a day for each type")
    ] = False,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="read the event log from here, not the last proof")
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="until it has ended; exit code 1 unless it is COMPLETED")
    ] = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Verifies our keys against DICT's now, repairs, and puts before a person what it may not."""
    asked = AskedRun(participant_in(participant), full, instant_in(since, "--since"))
    now, command_id = SystemClock().now(), new_id()
    record, named = _checked(asked, now)
    told: Row = {
        "command_id": command_id,
        "sync_type": record["sync_type"],
        "workflow_ids": workflow_ids(named, now.date(), command_id),
        "published": not dry_run,
    }
    if not dry_run:
        draft = Draft(RUN, RUN_AGGREGATE, asked.subject, command_id, record)
        asyncio.run(publishing.publish(draft))
    if dry_run or not wait:
        show_record(told, output)
        if not dry_run:
            _say_next(named)
        return
    if output is Format.TABLE:
        show_record(told, output)
    ended = asyncio.run(_awaited(command_id))
    if output is Format.JSON:
        show_record(told | {"runs": ended}, output)
    else:
        show_rows(ended, output, RUNS, "")
    _judge(ended)


def _checked(asked: AskedRun, now: datetime) -> tuple[dict[str, object], list[str]]:
    """The command's body, and whom it is for, as far as this console knows."""
    try:
        record = asked.record(now)
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, error.detail, HELP) from None
    own = console.settings().participants
    if asked.participant is None:
        return record, sorted(own)
    if own and asked.participant not in own:
        raise CommandFailed(
            Exit.CONFLICT,
            f"participant-unknown: {asked.participant} is none of VSYNC_PARTICIPANTS",
            "dictctl vsync run",
        )
    return record, [asked.participant]


def _say_next(participants: Sequence[str]) -> None:
    of = f" --participant {participants[0]}" if len(participants) == 1 else ""
    say(f"next: {LIST}{of}   (or --wait, to be told how it ends)")


async def _awaited(command_id: UUID) -> list[Row]:
    async def pause() -> None:
        await asyncio.sleep(LOOK_SECONDS)

    async with console.open_reader() as reader:
        try:
            ended = await AwaitRuns(reader, pause, say)(command_id)
        except InputRefused as error:
            raise CommandFailed(
                Exit.CONFLICT, f"it was refused, {error.reason_code}: {error.detail}", HELP
            ) from None
    return [timed(it) for it in ended]


def _judge(ended: Sequence[Row]) -> None:
    """Raises CommandFailed where a set is not proven."""
    bad = [it for it in ended if it["status"] != SyncStatus.COMPLETED]
    if bad:
        words = ", ".join(f"{it['participant']} {it['status']} ({it['reason_code']})" for it in bad)
        raise CommandFailed(
            Exit.FAILED,
            f"{len(bad)} of {len(ended)} runs are not proven: {words}",
            f"dictctl vsync report {bad[0]['run_id']}",
        )
    say(f"next: dictctl vsync report {ended[0]['run_id']}" if ended else "")
