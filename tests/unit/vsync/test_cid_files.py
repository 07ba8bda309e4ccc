"""Files of CIDs, line by line."""

from pathlib import Path

import pytest

from vsync.application.fetch_bacen import LINES_AT_ONCE, FileInvalid, cids_of

LINE = b"0a" * 32


def read(path: Path, content: bytes) -> int:
    """How many CIDs are in it."""
    path.write_bytes(content)
    return sum(len(cids) for cids in cids_of(path))


@pytest.mark.parametrize("lines", [0, 1, 2, LINES_AT_ONCE, LINES_AT_ONCE + 1])
def test_the_last_line_may_or_may_not_end(tmp_path: Path, lines: int) -> None:
    content = b"\n".join([LINE] * lines)
    assert read(tmp_path / "it", content) == lines
    if lines:
        assert read(tmp_path / "it", content + b"\n") == lines


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (LINE + b"\n" + LINE[:-1], "ends within line 2"),
        (LINE + b"\n\n", "ends within line 2"),
        (LINE + b"\r\n" + LINE[:-1], "is no CID"),
        (b"z" * 64 + b"\n", "between lines 1 and 1 is no CID"),
        (b" " * 64 + b"\n", "is no CID"),
        (b"\xff" * 64, "is no CID"),
    ],
)
def test_what_is_no_line_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(FileInvalid, match=says):
        read(tmp_path / "it", content)
