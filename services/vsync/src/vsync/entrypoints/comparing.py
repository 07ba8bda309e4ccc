"""`dictctl vsync diff`: a file of CIDs against our base; nothing is repaired."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from vsync.application.compare_file import FileCompared, compare_file
from vsync.application.fetch_bacen import FileInvalid
from vsync.bootstrap import console
from vsync.domain.entry import EntrySet
from vsync.entrypoints.asking import Limit, key_type_in, participant_in

DIFF = "dictctl vsync diff -h"
COLUMNS = ("only", "cid", "entry_id", "known", "at")

app = typer.Typer()


@app.command()
def diff(
    participant: Annotated[str, typer.Option("--participant", metavar="ISPB")],
    key_type: Annotated[str, typer.Option("--key-type", metavar="TYPE")],
    file: Annotated[
        Path, typer.Option("--file", metavar="FILE", help="a CID a line, as Bacen makes it")
    ],
    limit: Limit = 100,
    output: Output = Format.TABLE,
) -> None:
    """CIDs that only the file has, and only our base; exit code 1 if there are any."""
    named, type_ = participant_in(participant), key_type_in(key_type)
    if named is None or type_ is None:
        raise CommandFailed(Exit.USAGE, "--participant and --key-type say which set", DIFF)
    try:
        compared = asyncio.run(_compared(EntrySet(named, type_), file, limit))
    except FileInvalid as error:
        raise CommandFailed(Exit.USAGE, f"{file}: {error.detail}", DIFF) from None
    except OSError as error:
        raise CommandFailed(Exit.USAGE, f"{file}: {error.strerror}", DIFF) from None
    summary = compared.summary()
    if output is Format.JSON:
        show_record(summary | {"differences": compared.rows}, output)
    else:
        show_record(summary, output)
        show_rows(compared.rows, output, COLUMNS, "they are the same")
    differ = summary["only_here"] + summary["only_in_file"]
    if differ > len(compared.rows):
        say(f"{differ} CIDs differ, {len(compared.rows)} are shown: --limit (of each side)")
    if differ:
        raise CommandFailed(
            Exit.FAILED,
            f"{differ} CIDs differ; what changed since the file was made does too",
            f"dictctl vsync run --participant {named} --wait",
        )


async def _compared(of: EntrySet, file: Path, limit: int) -> FileCompared:
    async with console.open_comparison() as (local, owners):
        return await compare_file(of, file, local, owners, limit)
