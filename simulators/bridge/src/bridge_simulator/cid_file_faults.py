"""What may go wrong with a file of CIDs, as it was ordered, and what that makes of its bytes."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LINE_BYTES = 65
"""A CID and its line feed."""


@dataclass(frozen=True)
class FileTrouble:
    """What goes wrong with one file; nothing by default.

    `status` is shown for ever instead of AVAILABLE; `stray_line` None = no such line.
    """

    late_ms: int = 0
    status: str = ""
    cut_bytes: int = 0
    duplicated_lines: int = 0
    stray_line: str | None = None
    wrong_sha256: bool = False
    wrong_bytes: bool = False
    downloads_not_found: int = 0

    def written(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The file as it is written: bytes and digest are those of this."""
        if self.stray_line is not None:
            yield f"{self.stray_line}\n".encode()
        first = bytearray()
        for piece in lines:
            first += piece[: max(0, self.duplicated_lines * LINE_BYTES - len(first))]
            yield piece
        if first:
            yield bytes(first)

    def sent(self, written: Iterable[bytes], total_bytes: int) -> Iterator[bytes]:
        """What a download brings of it; `total_bytes` long when nothing is cut."""
        left = max(0, total_bytes - self.cut_bytes)
        for piece in written:
            if left <= 0:
                return
            yield piece[:left]
            left -= len(piece)

    def shown_sha256(self, sha256: str) -> str:
        """The digest that DICT tells."""
        return hashlib.sha256(sha256.encode()).hexdigest() if self.wrong_sha256 else sha256

    def shown_bytes(self, total_bytes: int) -> int:
        """The size that DICT tells."""
        return total_bytes + 1 if self.wrong_bytes else total_bytes


@dataclass(frozen=True)
class CidFileFault:
    """Which files it hits: of a participant and key type (empty = any), by `skip` and `times`."""

    participant: str = ""
    key_type: str = ""
    skip: int = 0
    times: int = 0
    trouble: FileTrouble = field(default_factory=FileTrouble)
