"""Bases of entries as files, for imports."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.support.bacen_suite import PARTICIPANT, papers
from vsync.application.import_rows import COLUMNS, RawRow

Row = Mapping[str, str]
PERSONAL = ("5561988", "111222333", "João", "0000000001")


def entry_id(number: int) -> UUID:
    """Of the row of that number."""
    return UUID(int=0xE000_0000 + number)


def row(number: int, **values: str) -> Row:
    """A good row of PHONES, unless told otherwise: every third is of the same person."""
    made = papers(number)
    person = papers(number - number % 3).attributes.tax_id
    known = made.attributes._asdict() | {"tax_id": person, "request_id": str(made.request_id)}
    return known | {"entry_id": str(entry_id(number)), "participant": PARTICIPANT} | values


def rows(*numbers: int) -> list[Row]:
    """Good ones."""
    return [row(number) for number in numbers]


def raw(row_: Row, line: int = 2) -> RawRow:
    """As a file gives it."""
    return RawRow(line, tuple(row_[name] for name in COLUMNS))


def write_csv(path: Path, rows_: Iterable[Row], columns: Sequence[str] = COLUMNS) -> Path:
    """With a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows_)
    return path


@dataclass
class FileInMemory:
    """RowsFile with rows in memory; its digest is its name."""

    name: str
    given: Sequence[Row]
    changed: bool = False

    @property
    def sha256(self) -> str:
        """One of its own."""
        return self.name.encode().hex().ljust(64, "0")[:64]

    def rows(self) -> Iterator[RawRow]:
        """Below a header."""
        return (raw(it, line) for line, it in enumerate(self.given, start=2))

    def require_unchanged(self) -> None:
        """As a test says."""
        assert not self.changed
