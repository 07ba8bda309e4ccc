"""`dictctl vsync schedule`: the day's run, as Temporal's Schedule `vsync-daily`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record
from dict_common.console.publishing import DryRun
from vsync.application.daily_schedule import SCHEDULE_ID, FoundSchedule, Schedules, changes
from vsync.application.sync_console import Row
from vsync.bootstrap import console

APPLY = "dictctl vsync schedule apply"
NEXT_RUNS = 3
LAST_RUNS = 3

app = typer.Typer(no_args_is_help=True, help="The day's run: show, apply, pause, resume, delete.")


@app.command()
def show(output: Output = Format.TABLE) -> None:
    """As Temporal has it, and what differs from the settings."""
    found = asyncio.run(_find())
    show_record(_shown(found), output)
    for name, (was, is_) in changes(found.daily, console.daily_schedule()).items():
        say(f"{name} is {was}, the settings say {is_}: {APPLY}")


@app.command()
def apply(dry_run: DryRun = False) -> None:
    """Makes it, or makes it what the settings say; what is paused stays paused."""
    wanted = console.daily_schedule()

    async def work() -> list[str]:
        schedules = await console.open_schedules()
        found = await schedules.find()
        if found is None:
            if not dry_run:
                await schedules.create(wanted)
            return [f"schedule {SCHEDULE_ID}: daily at {wanted.hour:02}:00, {wanted.time_zone}"]
        parted = changes(found.daily, wanted)
        if parted and not dry_run:
            await schedules.update(wanted)
        return [f"{name}: {was} → {is_}" for name, (was, is_) in parted.items()]

    done = asyncio.run(work())
    for line in done:
        say(f"{'would make' if dry_run else 'made'} {line}")
    if not done:
        say("nothing to do")


@app.command()
def pause(dry_run: DryRun = False) -> None:
    """No run is started until it is resumed; one that runs goes on."""
    _act("paused", dry_run, lambda it: it.pause("dictctl vsync schedule pause"), paused=True)


@app.command()
def resume(dry_run: DryRun = False) -> None:
    """Runs are started again, from the next hour on."""
    _act("resumed", dry_run, lambda it: it.resume("dictctl vsync schedule resume"), paused=False)


@app.command()
def delete(dry_run: DryRun = False) -> None:
    """Takes it away; a run that runs goes on."""
    _act("deleted", dry_run, lambda it: it.delete(), paused=None)


def _act(
    word: str, dry_run: bool, act: Callable[[Schedules], Awaitable[None]], *, paused: bool | None
) -> None:
    """`paused`: what the schedule is afterwards, where that may be so already."""

    async def work() -> bool:
        schedules = await console.open_schedules()
        found = await _there(schedules)
        if paused is not None and found.paused is paused:
            return False
        if not dry_run:
            await act(schedules)
        return True

    if asyncio.run(work()):
        say(f"{'would be' if dry_run else 'is'} {word}: schedule {SCHEDULE_ID}")
    else:
        say("nothing to do")


async def _find() -> FoundSchedule:
    return await _there(await console.open_schedules())


async def _there(schedules: Schedules) -> FoundSchedule:
    found = await schedules.find()
    if found is None:
        raise CommandFailed(Exit.NOT_FOUND, f"Temporal has no schedule {SCHEDULE_ID}", APPLY)
    return found


def _shown(found: FoundSchedule) -> Row:
    return {
        "schedule": SCHEDULE_ID,
        "paused": found.paused,
        **asdict(found.daily),
        "next_runs": found.next_runs[:NEXT_RUNS],
        "last_runs": found.last_runs[-LAST_RUNS:],
        "missed": found.missed,
        "skipped": found.skipped,
    }
