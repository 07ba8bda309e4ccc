"""The columns of a base: those of a report, and those that the how-to tells."""

import re
from dataclasses import fields
from pathlib import Path

from dict_schemas import avro
from vsync.application.import_entries import CID_KNOWN
from vsync.application.import_rows import COLUMNS
from vsync.domain.imports import Counted
from vsync.entrypoints.importing import import_

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "import-a-base.md"
OF_THE_FILE = {"operation", "version", "dict_time"}
"""What a report says of itself, and a file of all its rows: active, and as of one instant."""
OF_REPORTS_ALONE = {"account_opening_date"}
"""No input of a CID: a file of the base does without it."""


def in_ticks(text: str) -> list[str]:
    """Words that stand in backticks."""
    return re.findall(r"`([a-z_-]+)`", text)


def section(title: str) -> str:
    """A part of the page."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    return str(found)


def first_cells(title: str) -> list[str]:
    """Words in the first column of the section's table."""
    rows = [it for it in section(title).splitlines() if it.startswith("| `")]
    return [word for row in rows for word in in_ticks(row.split("|")[1])]


def test_columns_are_the_fields_of_a_report_that_differ_from_row_to_row() -> None:
    declared = {str(it["name"]) for it in avro.fields(avro.definition("entry.report"))}
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert declared >= OF_THE_FILE
    assert set(COLUMNS) == declared - OF_THE_FILE - OF_REPORTS_ALONE


def test_the_page_and_the_verb_tell_each_column() -> None:
    assert set(first_cells("The file")) == set(COLUMNS)
    told = " ".join((import_.__doc__ or "").split())
    assert f"Columns: {', '.join(COLUMNS)}." in told


def test_the_page_tells_each_count_and_what_only_an_import_refuses() -> None:
    assert first_cells("What becomes of a row") == [it.name for it in fields(Counted)]
    assert {CID_KNOWN, "columns-differ", "text-invalid"} <= set(first_cells("Bad rows"))
