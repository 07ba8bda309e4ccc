"""Writes events beside the state that they tell of, in the caller's statement or transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dict_common.kernel.envelope import BODY_BYTES_MAX
from dict_common.kernel.errors import InputRefused
from dict_common.ports.outgoing import NumberedEvent, OutgoingEvent
from dict_common.store.database import Connection, Row, timed_fetch
from dict_common.store.queries import load_queries

_QUERIES = load_queries("dict_common.store", "outbox")


@dataclass(frozen=True)
class OutboxColumns:
    """Events as parallel arrays, the shape that `unnest` takes. `ordinals` count from 1;
    `aparts` open another aggregate than the statement's."""

    topics: list[str]
    keys: list[str]
    event_ids: list[UUID]
    event_times: list[datetime]
    ordinals: list[int]
    properties: list[dict[str, str]]
    payloads: list[bytes]
    aparts: list[bool]


def columns(events: Sequence[OutgoingEvent]) -> OutboxColumns:
    """The events as columns. Raises InputRefused `too-large` for a body over 64 KiB."""
    for event in events:
        if len(event.payload) > BODY_BYTES_MAX:
            raise InputRefused(
                "too-large",
                f"an event of {len(event.payload)} bytes; the limit is {BODY_BYTES_MAX}",
            )
    return OutboxColumns(
        topics=[event.topic for event in events],
        keys=[event.key for event in events],
        event_ids=[event.envelope.id for event in events],
        event_times=[event.envelope.time for event in events],
        ordinals=[event.ordinal for event in events],
        properties=[event.envelope.to_properties() for event in events],
        payloads=[event.payload for event in events],
        aparts=[event.apart for event in events],
    )


async def insert(
    connection: Connection, events: Sequence[OutgoingEvent], version_before: int
) -> None:
    """Adds the events of one aggregate; `version_before` = how many it had until now."""
    cut = columns(events)
    await timed_fetch(
        connection,
        _QUERIES["outbox_insert"],
        (
            cut.topics,
            cut.keys,
            cut.event_ids,
            cut.event_times,
            [version_before + ordinal for ordinal in cut.ordinals],
            cut.properties,
            cut.payloads,
        ),
    )


def numbered_event(row: Row) -> NumberedEvent:
    """A row as it is sent: its sequence joins the properties here."""
    return NumberedEvent(
        row_id=row["id"],
        publish_no=row["publish_no"],
        topic=row["topic"],
        key=row["message_key"],
        event_id=row["event_id"],
        event_time=row["event_time"],
        properties=row["properties"] | {"ce_sequence": str(row["sequence"])},
        payload=row["payload"],
    )
