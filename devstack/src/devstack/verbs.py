"""The verbs of `./dev`: what a person types, what they see, how it exits."""

import os
import shutil
import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from devstack import generate as generation
from devstack import logsview, suite
from devstack.check import check as run_check
from devstack.connections import DAY_SECONDS
from devstack.demo import tell
from devstack.doctor import examine
from devstack.failures import Cancelled, StackFailure
from devstack.fetch.view import FetchView, fetch_quietly
from devstack.layout import cache_folder, default_run_folder, repository
from devstack.parts import postgres
from devstack.schema_sql import dump_schema
from devstack.stack import Stack
from devstack.statusview import print_status

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
app = typer.Typer(
    name="./dev",
    help="DICT Connect on one machine. Other verbs of ./dev: run CMD, lock.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def say(line: str) -> None:
    """One line of progress."""
    console.print(line, markup=False)


def user_stack() -> Stack:
    """The stack of `./dev up`. Servers whose address the environment gives are used as they are."""
    return Stack(
        default_run_folder().root, fetch=FetchView(console), say=say, environ=dict(os.environ)
    )


@app.command()
def up(
    infrastructure_only: Annotated[
        bool,
        typer.Option(
            "--infrastructure-only",
            help="The servers alone: no keysets, tables, topics, no services.",
        ),
    ] = False,
    day_seconds: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=DAY_SECONDS,
            help="How long a day of a claim lasts. As it is when the stack runs, else a real day.",
        ),
    ] = None,
) -> None:
    """Start everything that does not run yet, and wait until it answers."""
    stack = user_stack()
    if stack.up(infrastructure_only=infrastructure_only, day_seconds=day_seconds):
        say("Everything answers. What runs: ./dev status")
    else:
        say("Everything runs already.")


@app.command()
def down() -> None:
    """Stop everything that we started. Data stays."""
    say("Stopped. Data stays; ./dev clean removes it." if user_stack().down() else "Nothing ran.")


@app.command()
def status() -> None:
    """What runs, where, and how much memory it takes."""
    print_status(console, user_stack())


@app.command()
def setup() -> None:
    """Get all programs into the user's cache, start nothing."""
    FetchView(console)(threading.Event(), frozenset())
    say("All programs are there. Start the stack: ./dev up")


@app.command()
def generate() -> None:
    """Write everything that is generated from contracts."""
    try:
        written = generation.generate_everything(repository())
    except generation.GenerationFailed as problem:
        raise StackFailure(str(problem)) from problem
    say(f"{len(written)} files written under schemas/src and docs.")
    stack = user_stack()
    if not any(part.state == "running" and part.name == postgres.NAME for part in stack.status()):
        say("schemas/sql/schema.sql left alone: it needs a migrated database. First: ./dev up")
        return
    stack.prepare()
    pg_dump = fetch_quietly(threading.Event(), frozenset()).postgres_bin / "pg_dump"
    target = repository() / "schemas" / "sql" / "schema.sql"
    target.write_text(dump_schema(pg_dump, stack.environment()), encoding="utf-8")
    say("schemas/sql/schema.sql written.")


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One process; all when left out.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Of each log.")] = 40,
) -> None:
    """Show what the processes wrote."""
    chosen = logsview.choose_logs(default_run_folder(), name)
    width = 0 if name else max(len(each) for each in chosen)
    sources = [logsview.last_lines(chosen, lines)]
    if follow:
        sources.append(logsview.follow(chosen))
    for source in sources:
        for each, line in source:
            say(line if name else f"{each:<{width}}  {line}")


@app.command()
def doctor() -> None:
    """Say what this machine lacks and how to get it. Starts nothing."""
    findings = examine(user_stack())
    colours = {"good": "green", "note": "yellow", "bad": "red"}
    for finding in findings:
        colour = colours[finding.state]
        console.print(f"[{colour}]{finding.state:<5}[/{colour}] {finding.what:<14}", end="")
        say(finding.text)
    if any(finding.state == "bad" for finding in findings):
        raise StackFailure("Something is in the way: see the lines marked bad.")


@app.command()
def demo(
    down: Annotated[bool, typer.Option("--down", help="Stop everything at the end.")] = False,
) -> None:
    """Tell the product's stories on the real stack, and check its promises; exit 1 if one fails."""
    stack = user_stack()
    try:
        tell(stack, console)
    finally:
        if down:
            stack.down()


@app.command()
def check() -> None:
    """Format, lint, types, imports, tidy rules: all that needs no running stack."""
    run_check(repository(), say)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Check, then every test with a stack of its own. Further words go to pytest."""
    run_check(repository(), say)
    folder = suite.test_run_folder(repository())
    stack = Stack(folder, fetch=FetchView(console), say=say)
    raise typer.Exit(suite.run_tests(repository(), context.args, stack))


@app.command()
def clean(
    cache: Annotated[bool, typer.Option("--cache", help="Programs and builds too.")] = False,
) -> None:
    """Stop the stack and remove its data, keys and logs."""
    for folder in (suite.test_run_folder(repository()), default_run_folder().root):
        Stack(folder, fetch=fetch_quietly).down()
    shutil.rmtree(default_run_folder().root, ignore_errors=True)
    say("The stack's data is gone.")
    if cache:
        shutil.rmtree(cache_folder(), ignore_errors=True)
        say(f"{cache_folder()} is gone; the next ./dev up gets everything again.")


def main() -> None:
    """Runs one verb. Failures are shown without a traceback and exit 1, Ctrl-C exits 130."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="./dev")
    except StackFailure as failure:
        errors.print(f"[red]{'Stopped' if isinstance(failure, Cancelled) else 'Failed'}[/red]")
        errors.print(str(failure), markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(130)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise suite.Ended
