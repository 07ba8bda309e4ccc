"""What an export becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from audit_sink.application.audit_search import Row
from dict_common.kernel.errors import DictError


class Format(StrEnum):
    """Lines of JSON, or Parquet; the same columns in both."""

    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Exported:
    """A whole file. `sha256`: of its bytes, hex."""

    rows: int
    sha256: str


class FileNotWritten(DictError):
    """The disk took no more: nothing is left of the file."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__("file-not-written", f"{path} cannot be written: {why}")


class ExportFile(Protocol):
    """A file that is seen under its name only once it is whole. Blocks; raises FileNotWritten."""

    def write(self, rows: Sequence[Row]) -> None:
        """More rows."""

    def end(self) -> Exported:
        """Whole and on the disk; then it gets its name. Raises FileExistsError."""
