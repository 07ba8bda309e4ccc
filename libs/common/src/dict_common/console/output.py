"""Output: a table for people, JSON for programs; the same rows either way."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Format(StrEnum):
    """`-o table` or `-o json`."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[
    Format, typer.Option("--output", "-o", help="table for people, json for programs")
]
Row = Mapping[str, object]


def show_rows(rows: Sequence[Row], output: Format, columns: Sequence[str], empty: str) -> None:
    """Rows as a table of `columns`, or whole as a JSON array. Data goes to stdout."""
    if output is Format.JSON:
        sys.stdout.write(json.dumps([dict(row) for row in rows], default=_plain, indent=2) + "\n")
        return
    if not rows:
        Console(stderr=True).print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper().replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def show_record(record: Row, output: Format) -> None:
    """One record: name and value a line, or a JSON object."""
    if output is Format.JSON:
        sys.stdout.write(json.dumps(dict(record), default=_plain, indent=2) + "\n")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in record.items():
        table.add_row(Text(name, style="bold"), Text(_cell(value)))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def say(text: str) -> None:
    """A line for the person at the terminal; stderr, so that pipes stay clean."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    Console(stderr=True, highlight=False, soft_wrap=True).print(lines, markup=False)


def printable(text: str) -> str:
    """Text that cannot steer the terminal, whoever wrote it: no escape sequences, no line ends."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in text)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, dict | list):
        return json.dumps(value, default=_plain)
    return printable(str(value))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return str(value)
