"""A base of entries as a file: CSV or Parquet, with the columns of `import_rows`."""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from dict_common.kernel.errors import InputRefused
from vsync.application.import_rows import COLUMNS, Fault, RawRow

CSV, PARQUET = ".csv", ".parquet"
FIELD_CHARACTERS_MAX = 64 * 1024
"""A quote that is never closed swallows what follows: it ends here."""
BATCH_ROWS = 20_000
FILE_MODE = 0o600


class EntriesFile:
    """RowsFile on a disk: hashed and looked into when it is opened, read whenever it is asked."""

    def __init__(self, path: Path) -> None:
        """Raises InputRefused `file-invalid`."""
        self._path = path
        if path.suffix.lower() not in (CSV, PARQUET):
            raise _invalid(f"{path.name} must end in {CSV} or {PARQUET}")
        try:
            self._state = _state(path)
            with path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _invalid(f"{path}: {error.strerror}") from None
        next(self.rows(), None)  # columns that are wrong are told before anything is begun

    @property
    def sha256(self) -> str:
        """Of all its bytes."""
        return self._sha256

    def rows(self) -> Iterator[RawRow]:
        """In the file's order. Raises InputRefused `file-invalid`, also in the middle."""
        return _csv(self._path) if self._path.suffix.lower() == CSV else _parquet(self._path)

    def require_unchanged(self) -> None:
        """By size and time of its last change. Raises InputRefused `file-changed`."""
        try:
            same = _state(self._path) == self._state
        except OSError:
            same = False
        if not same:
            raise InputRefused(
                "file-changed",
                f"{self._path.name} was changed while it was read: import it as it is now; what "
                "was written of it stays, and is judged by its as_of",
            )


def write_faults(path: Path, faults: Sequence[Fault]) -> None:
    """A CSV of line, column and rule, for its owner alone; it is there as a whole or not at all.

    Raises OSError.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Fault._fields)
            writer.writerows(sorted(faults))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _csv(path: Path) -> Iterator[RawRow]:
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    # What is no UTF-8 comes as half a character, and the row that holds it is told as bad.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        line = 0
        try:
            places = _places(next(reader, []))
            pick, line = itemgetter(*places), reader.line_num
            for values in reader:
                begin, line = line + 1, reader.line_num
                whole = len(values) == len(places)
                if values:
                    yield RawRow(begin, pick(values) if whole else values[: len(places) - 1])
        except csv.Error as error:
            raise _invalid(f"line {line + 1}: {error}") from None


def _parquet(path: Path) -> Iterator[RawRow]:
    import pyarrow as pa  # a tenth of a second for whoever asks
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _places(file.schema_arrow.names)
            for name in COLUMNS:
                _require_text(name, file.schema_arrow.field(name).type, pa.types)
            number = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=list(COLUMNS)):
                columns = [_texts(batch.column(name), pa.binary()) for name in COLUMNS]
                for values in zip(*columns, strict=True):
                    number += 1
                    yield RawRow(number, tuple("" if it is None else it for it in values))
    except pa.ArrowException as error:
        # Arrow's own words may quote what it has read.
        raise _invalid(f"it cannot be read as Parquet: {type(error).__name__}") from None


def _texts(column: Any, binary: Any) -> list[str | None]:
    """Bytes that are no UTF-8 as half characters, as in a CSV."""
    if hasattr(column, "dictionary_decode"):
        column = column.dictionary_decode()
    try:
        texts: list[str | None] = column.to_pylist()
    except UnicodeDecodeError:
        values: list[bytes | None] = column.cast(binary).to_pylist()
        return [None if it is None else it.decode(errors="surrogateescape") for it in values]
    return texts


def _require_text(name: str, type_: Any, types: Any) -> None:
    """`types`: pyarrow's own module of that name."""
    if types.is_dictionary(type_):
        type_ = type_.value_type
    kinds = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    if not any(of(type_) for of in kinds):
        raise _invalid(f"column {name} must be text: its zeros count")


def _places(header: Sequence[str]) -> list[int]:
    """Where each of COLUMNS stands. Raises InputRefused unless they are all there, and no other."""
    missing = [name for name in COLUMNS if name not in header]
    if missing or len(header) != len(COLUMNS):
        lacks = f"; it lacks {', '.join(missing)}" if missing else ""
        raise _invalid(f"its columns must be {', '.join(COLUMNS)}, each once, in any order{lacks}")
    return [header.index(name) for name in COLUMNS]


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _invalid(detail: str) -> InputRefused:
    return InputRefused("file-invalid", detail)
