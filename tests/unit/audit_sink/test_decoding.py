"""From messages to rows: the same bytes as the rule's own words, each defect alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_sink.adapters.event_decoder import EventDecoder, _json, _metadata
from audit_sink.application.ports import Decoded
from audit_sink.domain.audit_row import Json, canonical_json
from dict_common.bus.avro import AvroCodec
from dict_common.bus.incoming import Incoming
from dict_common.bus.schemas import Received
from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.testing.clock import FixedClock

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
STEP = "workflow.step"
TOPIC = f"persistent://dict/events/{STEP}"
RECORD: dict[str, Json] = {"kind": "TIMER_FIRED", "name": "n", "outcome": "ok"}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
def test_quick_json_is_the_canonical_one(record: dict[str, Any]) -> None:
    assert _json(record) == canonical_json(record)


class Registry:
    """Knows version 1 of every topic but `strangers`; counts what it is asked."""

    def __init__(self, *, away: bool = False) -> None:
        self.asked: list[tuple[str, int]] = []
        self.away = away

    async def writer_version(self, topic: str, _name: str, broker_version: int) -> int:
        self.asked.append((topic, broker_version))
        if self.away:
            raise Unavailable("schema-look-up-failed", "away")
        if broker_version != 0:
            raise Undeliverable("schema-unknown", "a stranger's")
        return 1


def envelope(**changes: Any) -> Envelope:
    """A good one."""
    made = Envelope(
        id=uuid4(),
        type=STEP,
        source="/dict-connect/test",
        time=NOW,
        subject="a",
        aggregate_type="claim",
        sequence=1,
    )
    return made._replace(**changes)


def message(of: Envelope, body: bytes | None = None, **changes: Any) -> Incoming:
    """As the broker delivers it."""
    made = Incoming(
        topic=TOPIC,
        partition=3,
        message_id="1:2:3:-1",
        key=of.subject,
        properties=of.to_properties(),
        body=AvroCodec().encode(STEP, RECORD) if body is None else body,
        published_at=NOW,
        redelivery_count=0,
        schema_version=0,
        message=None,
    )
    return made._replace(**changes)


async def decoded(messages: Sequence[Incoming], registry: Registry | None = None) -> Decoded:
    """By the decoder."""
    schemas = cast("Received", registry or Registry())
    return await EventDecoder(schemas, FixedClock(NOW)).decode(messages)


async def test_row_says_what_the_message_said() -> None:
    run_id = uuid4()
    workflow = WorkflowRef("CreateClaimWorkflow", "claim-a", str(run_id))
    (found,) = (await decoded([message(envelope(workflow=workflow))])).candidates
    row = found.row
    assert (row.workflow_type, row.workflow_id, row.workflow_run_id) == (*workflow[:2], run_id)
    assert (row.event_type, row.event_subtype) == ("TIMER_FIRED", STEP)
    stands: dict[str, Json] = {**RECORD, "request_id": None, "detail": None}
    assert row.event_payload == canonical_json(stands)
    assert (row.aggregate_type, row.aggregate_id, row.aggregate_sequence) == ("claim", "a", 1)


@pytest.mark.parametrize("traceparent", [None, "00-" + "a" * 32 + "-" + "b" * 16 + "-01"])
def test_metadata_is_canonical(traceparent: str | None) -> None:
    of = envelope(causation_id=str(uuid4()), traceparent=traceparent)
    stands: dict[str, Json] = {
        "topic": TOPIC,
        "partition": 3,
        "message_id": "1:2:3:-1",
        "published_at": "2026-01-02T03:04:05.678901Z",
        "schema_version": 1,
        "traceparent": traceparent,
        "causation_id": of.causation_id,
    }
    assert _metadata(message(of), of, 1) == canonical_json(stands)


async def test_each_bad_message_has_its_reason_and_its_place() -> None:
    good = message(envelope())
    bad = {
        "undecodable": message(envelope(), b"junk"),
        "too-large": message(envelope(), b"x" * 65_537),
        "topic-unknown": message(
            envelope(type="claim.dreamt"), topic="persistent://dict/events/claim.dreamt"
        ),
        "schema-unknown": message(envelope(), schema_version=7),
        "envelope-invalid": message(envelope(sequence=None)),
        "processing-failed": message(envelope())._replace(properties=cast("Any", None)),
    }
    result = await decoded([good, *bad.values(), good])
    assert [it.place for it in result.candidates] == [0, len(bad) + 1]
    assert [it.error.reason_code for it in result.poison] == list(bad)
    assert [it.place for it in result.poison] == list(range(1, len(bad) + 1))


async def test_defect_keeps_its_trace_for_the_log() -> None:
    (poison,) = (await decoded([message(envelope())._replace(properties=cast("Any", None))])).poison
    assert isinstance(poison.error.__cause__, AttributeError)


async def test_strangers_schema_is_asked_for_once_in_a_batch() -> None:
    registry = Registry()
    result = await decoded([message(envelope(), schema_version=7) for _ in range(50)], registry)
    assert len(result.poison) == 50
    assert registry.asked == [(TOPIC, 7)]


async def test_registry_that_is_away_buries_nothing() -> None:
    with pytest.raises(Unavailable):
        await decoded([message(envelope())], Registry(away=True))


async def test_sequence_counts_from_one() -> None:
    result = await decoded([message(envelope(sequence=it)) for it in (0, 1)])
    assert [it.error.reason_code for it in result.poison] == ["envelope-invalid"]
    assert [it.place for it in result.candidates] == [1]
