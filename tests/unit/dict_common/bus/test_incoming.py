"""Names of topics and partitions."""

import pytest

from dict_common.bus.incoming import base_topic


@pytest.mark.parametrize(
    ("name", "topic", "number"),
    [
        ("persistent://dict/events/claim.created-partition-3", "claim.created", 3),
        ("persistent://dict/events/claim.created", "claim.created", None),
        ("persistent://dict/events/odd-partition-x", "odd-partition-x", None),
        ("persistent://dict/events/odd-partition-", "odd-partition-", None),
        ("persistent://dict/events/odd-partition-1-partition-2", "odd-partition-1", 2),
    ],
)
def test_partition_is_told_from_a_topic_that_is_named_like_one(
    name: str, topic: str, number: int | None
) -> None:
    assert base_topic(name) == (f"persistent://dict/events/{topic}", number)
