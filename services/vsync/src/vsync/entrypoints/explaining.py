"""`dictctl vsync explain`: why keys differed, and what is done about it."""

import asyncio
import sys
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, show_record, show_rows
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.pix_key import KEY_LENGTH_MAX
from vsync.application.explain_sync import explain as all_explained
from vsync.application.sync_console import Opener, Row, WantedDiscrepancies, WantedRuns, parts_of
from vsync.bootstrap import console
from vsync.entrypoints.asking import (
    LIST,
    Limit,
    id_in,
    key_type_in,
    say_cut,
    say_sealed,
)
from vsync.entrypoints.looking import PARTS_MAX
from vsync.entrypoints.opening import ENTRY, RUN, Reason, opening

EXPLAIN = "dictctl vsync explain -h"
DIFFERS = ("field", "ours", "dict", "how")
HISTORY = ("at", "event", "source", "dict_time", "cid")
REFUSED = ("occurred_at", "reason_code", "detail", "command_id")
LISTS = ("differs", "history", "refused")

app = typer.Typer()


@app.command()
def explain(
    run: Annotated[
        str, typer.Option("--run", metavar="RUN_ID", help="all that a run has found")
    ] = "",
    entry: Annotated[
        str, typer.Option("--entry", metavar="ENTRY_ID", help="an entry, in every run")
    ] = "",
    key_hash_of: Annotated[
        str,
        typer.Option(
            "--key-hash-of", metavar="TYPE", help="a key, in every run; it is read from stdin"
        ),
    ] = "",
    reason: Reason = None,
    limit: Limit = 100,
    output: Output = Format.TABLE,
) -> None:
    """Each key that differed: its two versions field by field, the event that parted them, and
    what was or will be done. Values are masked, unless a reason is given."""
    if sum(map(bool, (run, entry, key_hash_of))) != 1:
        raise CommandFailed(Exit.USAGE, "what? One of --run, --entry and --key-hash-of", EXPLAIN)
    opener = console.opener()
    opens = opening(reason, opener, EXPLAIN)
    in_clear = opens is not None
    if run:
        target = RUN
        about, rows = asyncio.run(_of_run(run, limit, opener, in_clear))
    else:
        target = ENTRY
        wanted = (
            WantedDiscrepancies(entry_id=id_in(entry, "--entry", EXPLAIN))
            if entry
            else WantedDiscrepancies(key_hashes=_hashes(key_hash_of, opener))
        )
        rows = asyncio.run(_explained(wanted, limit, opener, in_clear))
        if not rows:
            raise CommandFailed(Exit.NOT_FOUND, "no run has found it to differ", LIST)
        about = rows[0]["entry_id"]
    if opens is not None:
        asyncio.run(opens.tell(target, about, rows))
    _show(rows, output)
    say_cut(rows, limit)
    say_sealed(opener)


async def _of_run(text: str, limit: int, opener: Opener, in_clear: bool) -> tuple[UUID, list[Row]]:
    id_ = id_in(text, "--run")
    async with console.open_reader() as reader:
        runs = await reader.runs(WantedRuns(id=id_), 1)
        if not runs:
            raise CommandFailed(Exit.NOT_FOUND, f"no run {id_}", LIST)
        about: UUID = runs[0]["run_id"]
        if runs[0]["key_type"] is None:
            runs = await reader.runs(parts_of(runs[0], SystemClock().now()), PARTS_MAX)
        wanted = WantedDiscrepancies(runs=[it["run_id"] for it in runs])
        return about, await all_explained(reader, wanted, limit, opener, in_clear)


async def _explained(
    wanted: WantedDiscrepancies, limit: int, opener: Opener, in_clear: bool
) -> list[Row]:
    async with console.open_reader() as reader:
        return await all_explained(reader, wanted, limit, opener, in_clear)


def _hashes(text: str, opener: Opener) -> tuple[str, ...]:
    """Of the key on stdin: a command line is remembered. Raises CommandFailed."""
    key_type = key_type_in(text)
    key = sys.stdin.readline(KEY_LENGTH_MAX + 2).rstrip("\r\n")
    if key_type is None or not key or len(key) > KEY_LENGTH_MAX:
        raise CommandFailed(
            Exit.USAGE, f"a key on stdin: one line, at most {KEY_LENGTH_MAX} characters", EXPLAIN
        )
    hashes = opener.key_hashes(key_type, key)
    if hashes is None:
        raise CommandFailed(
            Exit.USAGE,
            "a key is found by a keyed hash: the folder DICT_KEYS_DIR of this console has no "
            "rest.json and prf.json",
            EXPLAIN,
        )
    return hashes


def _show(rows: list[Row], output: Format) -> None:
    if output is Format.JSON or not rows:
        show_rows(rows, output, (), "nothing differed")
        return
    for number, row in enumerate(rows):
        if number:
            sys.stdout.write("\n")
        told = {name: value for name, value in row.items() if name not in LISTS}
        show_record({name: it for name, it in told.items() if it is not None}, output)
        for title, name, columns in (
            ("fields that differ:", "differs", DIFFERS),
            ("its CIDs here:", "history", HISTORY),
            ("reports about it that were refused:", "refused", REFUSED),
        ):
            if row[name]:
                sys.stdout.write(f"{title}\n")
                show_rows(row[name], output, columns, "")
