"""A file that is what DICT says of it, and no file of CIDs: fetched once, and nothing applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bacen_fakes import FileTrouble
from tests.support.sync_simulation import Installation, entry_id_of, papers

LINE = papers(1).cid.hex().encode() + b"\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """Settled, and with a key less than DICT."""
    made = Installation(tmp_path)
    made.hold(*(papers(number) for number in range(1, 9)))
    made.entries.entries.pop(entry_id_of(papers(3)))
    made.later()
    yield made
    made.close()


@pytest.mark.parametrize(
    "content", [LINE * 2, LINE + b"x" * 65, LINE[:-2]], ids=["twice", "junk", "within a line"]
)
def test_what_a_second_look_cannot_mend_is_given_up(home: Installation, content: bytes) -> None:
    home.bacen.trouble = FileTrouble(content=content, as_told=True)
    before = dict(home.entries.entries)
    result = home.run("FULL")
    assert (result.status, result.error_message) == ("FAILED", "cid-file-invalid")
    assert home.entries.entries == before
    assert sum(name == "DownloadCidFile" for name, _ in home.bacen.calls) == 5
    assert not list(home.folder.glob("*.file"))
