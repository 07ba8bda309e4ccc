"""`dictctl vsync cid` and `xor`: what a CID and a VSync are, from stdin to stdout."""

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.kernel.errors import InputRefused
from vsync.application.cid_lines import cid_in, entry_of
from vsync.domain.cid import EMPTY_VSYNC, cid_of, toggled

app = typer.Typer()
_Value = TypeVar("_Value")

LINE_BYTES_MAX = 64 * 1024
HELP = "dictctl vsync -h"


@app.command()
def cid() -> None:
    """Reads entries as JSON lines, prints the CID of each.

    Fields: key_type, key, tax_id, name, trade_name, participant, branch, account_number,
    account_type, request_id; what is absent is empty. Nothing is normalised.
    """
    for request_id, attributes in _each(entry_of):
        sys.stdout.write(f"{cid_of(request_id, attributes).hex()}\n")


@app.command()
def xor() -> None:
    """Reads CIDs, one a line, prints the VSync of them all; of none, 64 zeros."""
    vsync = EMPTY_VSYNC
    for one in _each(cid_in):
        vsync = toggled(vsync, one)
    sys.stdout.write(f"{vsync.hex()}\n")


def _each(read: Callable[[bytes], _Value]) -> Iterator[_Value]:
    """Every line of stdin, read. Raises CommandFailed with the number of one that is bad."""
    source = sys.stdin.buffer
    number = 0
    while line := source.readline(LINE_BYTES_MAX + 1):
        number += 1
        try:
            if len(line) > LINE_BYTES_MAX:
                raise InputRefused("line-invalid", f"is longer than {LINE_BYTES_MAX} bytes")
            yield read(line.rstrip(b"\r\n"))
        except InputRefused as error:
            raise CommandFailed(Exit.USAGE, f"line {number} {error.detail}", HELP) from None
