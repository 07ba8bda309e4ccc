"""Exports as files: JSON lines and Parquet, hashed as they are written, whole or not there."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from errno import EISDIR
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from audit_sink.adapters.export_rows import json_object
from audit_sink.application.audit_search import Row
from audit_sink.application.export import Exported, FileNotWritten, Format

FILE_MODE = 0o600


class _Hashed(io.RawIOBase):
    """Writes through to a file and hashes what it writes."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self._file = file
        self.digest = sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()


class _Encoder(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...

    def end(self) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """One object a line; times RFC 3339 with six digits, ids as text."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        """A line each."""
        lines = [
            json.dumps(json_object(row), ensure_ascii=False, separators=(",", ":")) for row in rows
        ]
        self._file.write("".join(f"{line}\n" for line in lines).encode())

    def end(self) -> None:
        """Nothing comes behind the last line."""

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def export_file(path: Path, format_: Format, *, force: bool) -> Iterator["WholeFile"]:
    """A file beside `path` that takes its name at `end`; without it nothing is left.

    Raises FileExistsError unless `force`, FileNotWritten.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        if path.exists() and not force:
            raise FileExistsError(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    except FileExistsError:
        raise
    except OSError as error:
        raise FileNotWritten(str(path), error.strerror or str(error)) from error
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            closing(WholeFile(file, part, path, format_, force=force)) as whole,
        ):
            yield whole
    finally:
        part.unlink(missing_ok=True)


class WholeFile:
    """ExportFile on a disk."""

    def __init__(
        self, file: io.BufferedWriter, part: Path, path: Path, format_: Format, *, force: bool
    ) -> None:
        self._file = file
        self._part = part
        self._path = path
        self._force = force
        self._hashed = _Hashed(file)
        self._encoder = _encoder(format_, self._hashed)
        self._rows = 0

    def write(self, rows: Sequence[Row]) -> None:
        """More rows."""
        with self._refused():
            self._encoder.write(rows)
        self._rows += len(rows)

    def end(self) -> Exported:
        """Writes what is left, and gives the name."""
        with self._refused():
            self._encoder.end()
            self._file.flush()
            os.fsync(self._file.fileno())
            if self._force:
                self._part.replace(self._path)
            else:
                self._name()
        return Exported(self._rows, self._hashed.digest.hexdigest())

    def close(self) -> None:
        """Lets go of what the format holds, while the file is still open; it may be full."""
        with suppress(OSError):
            self._encoder.close()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """An error of our own: around us an OSError means that PostgreSQL is away."""
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            raise FileNotWritten(str(self._path), error.strerror or str(error)) from error

    def _name(self) -> None:
        """A link refuses a name that somebody took meanwhile, which a rename does not."""
        try:
            self._path.hardlink_to(self._part)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if self._path.exists():
                raise FileExistsError(self._path) from None
            self._part.replace(self._path)


def _encoder(format_: Format, file: io.RawIOBase) -> _Encoder:
    if format_ is Format.JSONL:
        return JsonLines(file)
    from audit_sink.adapters.parquet_file import ParquetRows  # a tenth of a second for whoever asks

    return ParquetRows(file)
