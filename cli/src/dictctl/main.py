"""`dictctl`: finds the verbs of every installed service and ends with a stable exit code."""

import os
import sys
from importlib.metadata import entry_points
from typing import Any

import asyncpg
import typer
from rich.console import Console
from typer.core import TyperGroup

from dict_common.console.failures import CommandFailed, Exit, as_failure
from dict_common.console.output import say
from dict_common.kernel.errors import DictError
from dict_common.telemetry.logs import configure_logs
from dictctl import db, dlq, keys, schema, stack, temporal, topics

GROUP = "dictctl.commands"
"""Entry points: a service ships `<verb> = <module>:app`, loaded only when typed."""

OWN = {
    "db": db.app,
    "dlq": dlq.app,
    "keys": keys.app,
    "schema": schema.app,
    "stack": stack.app,
    "temporal": temporal.app,
    "topics": topics.app,
}


class Verbs(TyperGroup):
    """Own verbs, and those of services, imported when somebody types them."""

    def list_commands(self, _context: Any) -> list[str]:
        """All verbs, sorted."""
        return sorted({*OWN, *(point.name for point in entry_points(group=GROUP))})

    def get_command(self, _context: Any, name: str) -> Any:
        """The verb, None if there is none of that name."""
        app = OWN.get(name)
        for point in entry_points(group=GROUP, name=name):
            app = point.load()
        if app is None:
            return None
        group = typer.main.get_group(app)
        group.name = name
        return group


root = typer.Typer(cls=Verbs, no_args_is_help=True, add_completion=False)


@root.callback(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Operate DICT Connect. Every verb takes -h; lists take -o json."""


def main() -> None:
    """Runs a command and leaves with its exit code (see `failures`)."""
    configure_logs("dictctl", "ERROR")
    sys.stdout.flush()
    code = _run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Native clients may abort while the interpreter tears itself down, and hide the exit code.
    os._exit(code)


def _run(arguments: list[str]) -> int:
    try:
        ended = typer.main.get_command(root).main(
            args=arguments, prog_name="dictctl", standalone_mode=False
        )
    except typer.Abort:
        return Exit.FAILED
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return Exit.USAGE
    except CommandFailed as error:
        return _tell(error)
    except DictError as error:
        return _tell(as_failure(error))
    except asyncpg.PostgresError as error:
        refused = f"PostgreSQL refused: {error.sqlstate} {error}"
        return _tell(CommandFailed(Exit.FAILED, refused, "dictctl db status"))
    return ended if isinstance(ended, int) else Exit.OK


def _tell(failure: CommandFailed) -> int:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("failed:", style="red", end=" ")
    say(failure.message)
    if failure.next_step:
        say(f"next: {failure.next_step}")
    return failure.code
