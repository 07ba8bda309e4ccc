"""A dead letter has one name, and nothing else is one."""

import pytest

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.letter_ids import LetterId


@pytest.mark.parametrize("text", ["103:2:1:-1", "0:0:0:0", "999999999999999999:7:15:3"])
def test_id_is_read_and_written_alike(text: str) -> None:
    assert str(LetterId.parse(text)) == text


def test_two_spellings_are_one_letter() -> None:
    assert LetterId.parse("0103:02:01:-1") == LetterId.parse("103:2:1:-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:2:3",
        "1:2:3:-2",
        "1:2:3:4:5",
        " 1:2:3:4",
        "1:2:3:4\n",
        "a:2:3:4",
        "-1:2:3:4",
        "1111111111111111111:2:3:4",
        "١:2:3:4",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="letter-id-invalid"):
        LetterId.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "after"),
    [
        ("7:3:0:-1", "7:2:0:-1", True),
        ("8:0:0:-1", "7:9:0:-1", True),
        ("7:2:0:1", "7:2:0:0", True),
        ("7:2:0:-1", "7:2:0:-1", False),
        ("7:10:0:-1", "7:9:0:-1", True),
    ],
)
def test_order_within_a_partition(one: str, other: str, after: bool) -> None:
    assert LetterId.parse(one).after(LetterId.parse(other)) is after
