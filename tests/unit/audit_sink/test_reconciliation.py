"""What is compared: windows of time, and digests that see every column but the journey's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from audit_sink.adapters.event_telling import EventTelling, place_at
from audit_sink.adapters.written_payload import compared
from audit_sink.domain.audit_row import AuditRow, Json, canonical_json
from audit_sink.domain.positions import Position
from audit_sink.domain.reconciliation import Place, Window, compared_columns, differing, digest_of
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import InputRefused
from dict_schemas import avro
from tests.support.audit_rows import audit_row

SINCE = datetime(2026, 1, 2, tzinfo=UTC)
UNTIL = datetime(2026, 1, 3, tzinfo=UTC)
WINDOW = Window(SINCE, UNTIL)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
METADATA: dict[str, Json] = {
    "causation_id": None,
    "message_id": "1:2:0:-1",
    "partition": 0,
    "published_at": "2026-01-02T03:04:05.678901Z",
    "schema_version": 1,
    "topic": "persistent://dict/events/claim.created",
    "traceparent": None,
}
ROW = audit_row(metadata=canonical_json(METADATA), workflow_run_id=uuid4())


def digest(row: AuditRow) -> bytes:
    return digest_of(compared_columns(row))


def with_metadata(**changes: Any) -> AuditRow:
    return ROW._replace(metadata=canonical_json(METADATA | changes))


def test_another_sending_of_the_event_has_the_same_digest() -> None:
    again = with_metadata(message_id="7:8:0:3", published_at="2026-02-02T00:00:00.000000Z")
    assert digest(again) == digest(ROW)
    assert differing(compared_columns(again), compared_columns(ROW)) == ()


CHANGES: dict[str, AuditRow] = {
    "event_id": ROW._replace(event_id=uuid4()),
    "workflow_type": ROW._replace(workflow_type="x"),
    "workflow_id": ROW._replace(workflow_id="x"),
    "workflow_run_id": ROW._replace(workflow_run_id=None),
    "event_type": ROW._replace(event_type="x"),
    "event_subtype": ROW._replace(event_subtype="x"),
    "event_payload": ROW._replace(event_payload=b"{}"),
    "user_id": ROW._replace(user_id=uuid4()),
    "correlation_id": ROW._replace(correlation_id=None),
    "occurred_at": ROW._replace(occurred_at=ROW.occurred_at + MICROSECOND),
    "metadata": with_metadata(partition=1),
    "source": ROW._replace(source="x"),
    "aggregate_type": ROW._replace(aggregate_type="x"),
    "aggregate_id": ROW._replace(aggregate_id="x"),
    "aggregate_sequence": ROW._replace(aggregate_sequence=2),
    "participant_ispb": ROW._replace(participant_ispb=None),
}


def test_every_column_is_compared() -> None:
    assert tuple(CHANGES) == AuditRow._fields


@pytest.mark.parametrize("name", CHANGES)
def test_change_of_a_column_is_seen_and_named(name: str) -> None:
    assert digest(CHANGES[name]) != digest(ROW)
    assert differing(compared_columns(CHANGES[name]), compared_columns(ROW)) == (name,)


@pytest.mark.parametrize("changed", ["topic", "schema_version", "traceparent", "causation_id"])
def test_rest_of_metadata_is_compared(changed: str) -> None:
    assert digest(with_metadata(**{changed: "x"})) != digest(ROW)


@pytest.mark.parametrize("metadata", [None, 7, [], "message_id", {}])
def test_metadata_that_the_sink_never_wrote_differs(metadata: Any) -> None:
    assert digest(ROW._replace(metadata=json.dumps(metadata).encode())) != digest(ROW)


def test_window_holds_its_begin_and_not_its_end() -> None:
    assert WINDOW.holds(SINCE)
    assert not WINDOW.holds(SINCE - MICROSECOND)
    assert WINDOW.holds(UNTIL - MICROSECOND)
    assert not WINDOW.holds(UNTIL)


@pytest.mark.parametrize("until", [SINCE, SINCE - MICROSECOND])
def test_window_without_time_is_refused(until: datetime) -> None:
    with pytest.raises(InputRefused, match="--from must be before --to"):
        Window(SINCE, until)


@pytest.mark.parametrize(
    ("happened_at", "published_at", "counts"),
    [
        (SINCE, UNTIL + 1000 * HOUR, True),
        (SINCE - HOUR, SINCE + HOUR, False),
        (UNTIL, UNTIL - HOUR, False),
        (UNTIL - HOUR, SINCE - 20 * HOUR, True),
        (None, SINCE + HOUR, True),
        (None, SINCE - HOUR, False),
        # Further ahead than may be written at its publishing: where that would have been.
        (UNTIL + 1000 * HOUR, SINCE - 23 * HOUR, True),
        (UNTIL + 1000 * HOUR, SINCE - 25 * HOUR, False),
        # … and where it stands, if the sink met it late enough.
        (UNTIL - HOUR, SINCE - 24.5 * HOUR, True),
    ],
)
def test_message_counts_by_its_time(
    happened_at: datetime | None, published_at: datetime, counts: bool
) -> None:
    assert WINDOW.counts(happened_at, published_at) is counts


def test_window_is_read_from_before_its_begin_to_the_end_of_the_topic() -> None:
    assert WINDOW.published.since == SINCE - 25 * HOUR
    assert WINDOW.published.until is None
    first = Window(datetime.min.replace(tzinfo=UTC), UNTIL)
    assert first.published.since is not None


def message(**properties: str) -> Incoming:
    topic = "persistent://dict/events/workflow.step"
    return Incoming(topic, 1, "5:6:1:7", "", properties, b"", SINCE, 0, 0, None)


async def test_envelope_tells_what_can_be_read_of_it() -> None:
    id_ = uuid4()
    telling = EventTelling(None)
    whole = message(ce_id=str(id_), ce_time="2026-01-02T03:00:00-03:00")
    broken = message(ce_id="x", ce_time="yesterday")
    outside = message(ce_id=str(id_), ce_time="2026-02-02T03:00:00Z")
    found = await telling.told([whole, broken, outside, message()], WINDOW)
    assert [it.event_id for it in found] == [id_, None, None]
    assert [it.happened_at for it in found] == [SINCE + 6 * HOUR, None, None]
    assert {it.place for it in found} == {Place("workflow.step", 1, Position(5, 6, 7))}
    assert found[0].place.message_id == "5:6:1:7"
    assert len(await telling.told([whole, broken, outside], None)) == 3
    assert await telling.columns(whole) is None


@pytest.mark.parametrize("message_id", [None, "", "1:2", "1:2:3:x", "9" * 30 + ":1:1:1"])
def test_what_is_no_place(message_id: str | None) -> None:
    assert place_at("persistent://dict/events/x", message_id) is None


ACTED = "operator.acted"
ADDED: dict[str, Any] = {
    str(field["name"]): field["default"]
    for field in avro.fields(avro.definition(ACTED, avro.latest(ACTED)))
    if field["name"] not in {it["name"] for it in avro.fields(avro.definition(ACTED, 1))}
}


def acted(version: Json, **payload: Any) -> AuditRow:
    """A row whose writer knew that version of the schema."""
    metadata = canonical_json(METADATA | {"schema_version": version})
    row = ROW._replace(event_subtype=ACTED, metadata=metadata)
    return row._replace(event_payload=canonical_json({"verb": "CANCEL", **payload}))


def test_row_of_an_older_release_is_what_its_message_tells_today() -> None:
    assert ADDED
    assert compared(acted(1)) == compared(acted(1, **ADDED))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (acted(1), acted(1, **(ADDED | {next(iter(ADDED)): "x"}))),
        (acted(1), acted(1, extra=None)),
        (acted(1), acted(avro.latest(ACTED))),
        (acted(avro.latest(ACTED)), acted(avro.latest(ACTED), **ADDED)),
        (acted(99), acted(99, **ADDED)),
        (acted("x"), acted("x", **ADDED)),
        (ROW._replace(event_payload=canonical_json(ADDED)), ROW._replace(event_payload=b"{}")),
    ],
)
def test_whatever_else_was_added_differs(one: AuditRow, other: AuditRow) -> None:
    assert compared(one) != compared(other)


def test_payload_and_metadata_that_are_no_objects_are_compared_as_they_are() -> None:
    for row in (acted(1)._replace(event_payload=b"null"), acted(1)._replace(metadata=b"[]")):
        assert compared(row) != compared(acted(1))


def test_clock_at_the_end_of_the_calendar_counts_where_its_event_says() -> None:
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert WINDOW.counts(SINCE, last)
    assert not WINDOW.counts(UNTIL, last)
    assert not WINDOW.counts(last, SINCE - 2 * HOUR * 24)
