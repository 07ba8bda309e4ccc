"""Rows of a base: read, judged by the rules of a report, and sealed before they go anywhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import member, text
from dict_common.kernel.ids import parse_id
from dict_common.kernel.pix_key import KeyType
from dict_common.ports.sealing import Person, RestSealer, SubjectKey
from vsync.application.entry_papers import EntryPapers
from vsync.application.entry_report import CHARACTERS_MAX, own_participant, value_of
from vsync.domain.cid import CidAttributes
from vsync.domain.entry import EntrySet

COLUMNS = (
    "entry_id",
    "participant",
    "key_type",
    "key",
    "tax_id",
    "name",
    "trade_name",
    "branch",
    "account_number",
    "account_type",
    "request_id",
)
"""Of a file, in any order. What an entry has not is empty."""


class RawRow(NamedTuple):
    """Values in the order of COLUMNS, in clear; of another number where the row has another.

    `line`: where it begins in the file, from 1, a header counted; of Parquet the row's number.
    """

    line: int
    values: Sequence[str]

    def __repr__(self) -> str:
        return f"RawRow({self.line})"


class Fault(NamedTuple):
    """A rule that a row breaks. `column` is empty where the row as a whole does."""

    line: int
    column: str
    rule: str


@dataclass(frozen=True)
class Chunk:
    """So many rows of a file, from the first on; `number` counts from 0."""

    number: int
    rows: Sequence[RawRow]
    last: bool


class ReadyRow(NamedTuple):
    """A good row without anything personal in clear. `person`: its place among the persons."""

    line: int
    entry_id: UUID
    set: EntrySet
    cid: bytes
    key_hash: str
    sealed: bytes
    person: int


@dataclass(frozen=True)
class ReadyChunk:
    """A chunk whose good rows can be written; every other row of it has its faults."""

    number: int
    last: bool
    rows: Sequence[ReadyRow]
    persons: Sequence[Person]
    faults: Sequence[Fault]


def chunks(rows: Iterator[RawRow], size: int) -> Iterator[Chunk]:
    """The rows cut into chunks, always the same ones; a file without rows is one without any."""
    number, waiting = 0, list(islice(rows, size))
    while True:
        following = list(islice(rows, size))
        yield Chunk(number, waiting, last=not following)
        if not following:
            return
        number, waiting = number + 1, following


class PrepareRows:
    """From clear text to what may be stored. Never blocks: it works the processor."""

    def __init__(
        self, own: frozenset[str], rest: RestSealer, fresh: Callable[[], SubjectKey]
    ) -> None:
        self._own = own
        self._rest = rest
        self._fresh = fresh

    def __call__(self, chunk: Chunk) -> ReadyChunk:
        """Every row of the chunk is among the ready ones or has its faults."""
        ready: list[ReadyRow] = []
        faults: list[Fault] = []
        persons: dict[str, int] = {}
        for row in chunk.rows:
            found, broken = _read(row, self._own)
            if found is None:
                faults += broken
                continue
            entry_id, papers = found
            person = persons.setdefault(papers.attributes.tax_id, len(persons))
            ready.append(self._ready(row.line, entry_id, papers, person))
        met = [Person(self._rest.look_up_hashes(it), self._fresh()) for it in persons]
        return ReadyChunk(chunk.number, chunk.last, ready, met, faults)

    def _ready(self, line: int, entry_id: UUID, papers: EntryPapers, person: int) -> ReadyRow:
        return ReadyRow(
            line,
            entry_id,
            EntrySet(papers.attributes.participant, papers.attributes.key_type),
            papers.cid,
            papers.key_hash(self._rest),
            papers.sealed(self._rest),
            person,
        )


_Broken = list[Fault]


def _read(row: RawRow, own: frozenset[str]) -> tuple[tuple[UUID, EntryPapers] | None, _Broken]:
    """The entry, or every rule that the row breaks, column by column."""
    if len(row.values) != len(COLUMNS):
        return None, [Fault(row.line, "", "columns-differ")]
    record = dict(zip(COLUMNS, row.values, strict=True))
    found: dict[str, Any] = {}
    faults: _Broken = []
    for column in COLUMNS:
        try:
            found[column] = _value(record, column, own)
        except InputRefused as error:
            faults.append(Fault(row.line, column, error.reason_code))
    if faults:
        return None, faults
    entry_id, request_id = found.pop("entry_id"), found.pop("request_id")
    return (entry_id, EntryPapers(request_id, CidAttributes(**found))), faults


def _value(record: Mapping[str, str], column: str, own: frozenset[str]) -> UUID | str:
    value = record[column]
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputRefused("text-invalid", f"{column} is not UTF-8") from None
    if column in CHARACTERS_MAX:
        return value_of(record, column)
    if column == "participant":
        return own_participant(record, own)
    if column == "key_type":
        return member(KeyType, record, column)
    return parse_id(text(record, column), column)
