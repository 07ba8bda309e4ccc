"""A publisher believes no success behind which no message stands."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from dict_common.bus.client import PublishDropped
from dict_common.bus.publisher import Publisher
from dict_common.kernel.envelope import Envelope
from tests.support.dropping_broker import DroppingBroker

ENVELOPE = Envelope(
    id=UUID(int=1),
    type="claim.decide",
    source="/core",
    time=datetime(2026, 1, 2, tzinfo=UTC),
    subject="s",
    aggregate_type="claim",
)


async def test_a_dropped_message_is_told_and_goes_out_by_another_producer() -> None:
    broker = DroppingBroker(dropping=1)
    publisher = Publisher(broker.client, "dict")
    with pytest.raises(PublishDropped):
        await publisher.publish("commands/claim.decide", "key", ENVELOPE, b"body")
    assert (broker.sent, broker.closed) == ([], 1)
    await publisher.publish("commands/claim.decide", "key", ENVELOPE, b"body")
    await publisher.publish("commands/claim.decide", "key", ENVELOPE, b"body")
    assert [body for body, _ in broker.sent] == [b"body", b"body"]
    assert broker.closed == 1
