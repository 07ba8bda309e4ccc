"""The verbs of `./dev`: what a person types, what they see, how it exits."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from devstack import generate as generation
from devstack.connections import DAY_SECONDS
from devstack.failures import Cancelled, StackFailure
from devstack.fetch.view import FetchView
from devstack.layout import default_run_folder, repository
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
        bool, typer.Option(help="The servers alone: no keysets, tables, topics, no services.")
    ] = False,
    day_seconds: Annotated[
        int, typer.Option(min=1, max=DAY_SECONDS, help="How long a day of a claim lasts.")
    ] = DAY_SECONDS,
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
    say(f"{len(written)} files written under schemas/src.")


def main() -> None:
    """Runs one verb. Failures are shown without a traceback and exit 1, Ctrl-C exits 130."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app(standalone_mode=False)
    except StackFailure as failure:
        errors.print(f"[red]{'Stopped' if isinstance(failure, Cancelled) else 'Failed'}[/red]")
        errors.print(str(failure), markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(130)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
