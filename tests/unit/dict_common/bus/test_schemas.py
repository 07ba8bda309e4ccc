"""What a schema look-up's answer means: a message's fault, or a server's."""

from typing import Any

import pulsar
import pytest

from dict_common.bus.schemas import Received
from dict_common.kernel.errors import DictError, Unavailable, Undeliverable

TOPIC, NAME = "persistent://dict/events/workflow.step", "workflow.step"


class Registry:
    """The client's own object: it answers every look-up with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_schema_info(self, _topic: str, _version: int) -> Any:
        """Raises."""
        raise self._error


@pytest.mark.parametrize(
    ("error", "wanted", "reason"),
    [
        (pulsar.TopicNotFound("no-schema"), Undeliverable, "schema-unknown"),
        (pulsar.Timeout("late"), Unavailable, "schema-look-up-failed"),
        (pulsar.ConnectError("away"), Unavailable, "schema-look-up-failed"),
    ],
)
async def test_number_that_the_broker_never_gave_is_the_messages_fault(
    error: Exception, wanted: type[DictError], reason: str
) -> None:
    received = Received()
    received.attach_client(Registry(error))
    with pytest.raises(wanted, match=reason):
        await received.writer_version(TOPIC, NAME, 7)


async def test_message_without_a_number_is_at_fault_too() -> None:
    with pytest.raises(Undeliverable, match="schema-unknown"):
        await Received().writer_version(TOPIC, NAME, -1)
