"""A message as it arrived, before anything about it is believed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import pulsar

from dict_common.kernel.envelope import BODY_BYTES_MAX, Envelope, from_properties
from dict_common.kernel.errors import Undeliverable

_Value = TypeVar("_Value")
_PARTITION = re.compile(r"(.+)-partition-(\d+)")


class Redriven(NamedTuple):
    """A message that was a dead letter and was given back: how often, who gave it up, and the
    letter's id."""

    times: int
    consumer: str
    letter: str


class Incoming(NamedTuple):
    """What the broker delivered. `topic` is the base topic, without `-partition-N`."""

    topic: str
    partition: int
    message_id: str
    key: str
    properties: dict[str, str]
    body: bytes
    published_at: datetime
    redelivery_count: int
    schema_version: int
    """The broker's number of the writer's schema on this topic; -1 for none."""
    message: Any
    """The client's own object: only it can be acknowledged."""
    redriven: Redriven | None = None

    def __repr__(self) -> str:
        return f"Incoming({self.message_id})"


def envelope_of(message: Incoming, name: str) -> Envelope:
    """The envelope of a message of the type `name`, before its body is looked at.

    Raises Undeliverable: `too-large`, or `envelope-invalid` naming the property.
    """
    if len(message.body) > BODY_BYTES_MAX:
        raise Undeliverable(
            "too-large", f"the body has {len(message.body)} bytes; the limit is {BODY_BYTES_MAX}"
        )
    envelope = from_properties(message.properties)
    if envelope.type != name:
        raise Undeliverable("envelope-invalid", f"property ce_type must be {name} on this topic")
    return envelope


def _readable(read: Callable[[], _Value], otherwise: _Value) -> _Value:
    """Bytes that are no UTF-8 cost their attribute: the message then lacks what it needs, and is
    buried like any other; raising here would stop all its neighbours."""
    try:
        return read()
    except UnicodeDecodeError:
        return otherwise


def _instant(millis: int) -> datetime:
    """Set by the producer's client: one that no calendar has counts as the epoch."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def base_topic(name: str) -> tuple[str, int | None]:
    """Topic and number of a partition's name; None where it names a topic without partitions."""
    found = _PARTITION.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


def incoming(message: pulsar.Message) -> Incoming:
    """Reads everything out of the client's object once."""
    topic, partition = base_topic(message.topic_name())
    id_ = message.message_id()
    place = f"{id_.ledger_id()}:{id_.entry_id()}:{partition or 0}:{id_.batch_index()}"
    return Incoming(
        topic,
        partition or 0,
        place,
        _readable(message.partition_key, ""),
        _readable(message.properties, {}),
        message.data(),
        _instant(message.publish_timestamp()),
        message.redelivery_count(),
        message._message.int_schema_version(),
        message,
    )
