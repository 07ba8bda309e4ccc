"""What tests of workflows share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sync_simulation import Installation, papers


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """Equal at DICT and here, and settled."""
    made = Installation(tmp_path)
    made.hold(*(papers(number) for number in range(1, 9)))
    made.later()
    yield made
    made.close()
