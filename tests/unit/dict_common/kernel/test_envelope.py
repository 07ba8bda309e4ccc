"""The envelope survives the trip, and every bad form of it is named."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dict_common.kernel.clock import from_micros, to_micros, to_rfc3339
from dict_common.kernel.envelope import Envelope, WorkflowRef, from_properties
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.ids import new_id, parse_id, rejection_id
from dict_common.kernel.participant import ispb

WHOLE = Envelope(
    id=UUID(int=7),
    type="claim.created",
    source="/dict-connect/claim-orchestrator",
    time=datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
    subject=str(UUID(int=8)),
    aggregate_type="claim",
    sequence=3,
    correlation_id=str(UUID(int=9)),
    causation_id=str(UUID(int=10)),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    workflow=WorkflowRef("CreateClaimWorkflow", "claim-8", "run"),
)


def test_round_trip() -> None:
    assert from_properties(WHOLE.to_properties()) == WHOLE


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_time", "ce_subject"])
def test_missing_attribute_is_named(name: str) -> None:
    without = {key: it for key, it in WHOLE.to_properties().items() if key != name}
    with pytest.raises(Undeliverable, match=name):
        from_properties(without)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", "7"),
        ("ce_time", "yesterday"),
        ("ce_time", "2026-01-02T03:04:05"),
        ("ce_time", "0001-01-01T00:00:00+23:59"),
        ("ce_sequence", "-1"),
        ("ce_sequence", "one"),
        ("ce_subject", "x" * 513),
        ("ce_type", "a\x00b"),
    ],
)
def test_wrong_attribute_is_named(name: str, value: str) -> None:
    with pytest.raises(Undeliverable, match=name):
        from_properties(WHOLE.to_properties() | {name: value})


def test_time_is_in_utc_whatever_zone_it_came_in() -> None:
    read = from_properties(WHOLE.to_properties() | {"ce_time": "2026-01-31T23:30:00-03:00"})
    assert read.time == datetime(2026, 2, 1, 2, 30, tzinfo=UTC)
    assert read.time.month == 2


def test_unreadable_optional_attributes_cost_no_message() -> None:
    read = from_properties(
        WHOLE.to_properties() | {"traceparent": "junk", "ce_correlationid": "cpf-98765432100"}
    )
    assert read.traceparent is None
    assert read.correlation_id is None


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 the strategy adds the zone
        max_value=datetime(9999, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )
)
def test_micros_are_exact(instant: datetime) -> None:
    assert from_micros(to_micros(instant)) == instant
    assert datetime.fromisoformat(to_rfc3339(instant)) == instant


def test_naive_time_is_no_time() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 that is the point


def test_new_ids_sort_by_time_and_are_uuid7() -> None:
    first, second = new_id(), new_id()
    assert first.version == second.version == 7
    assert first < second


def test_id_of_another_kind_is_refused_by_its_field() -> None:
    with pytest.raises(InputRefused, match="claim_id"):
        parse_id("1", "claim_id")


def test_rejection_of_the_same_command_has_the_same_id() -> None:
    command = UUID(int=1)
    assert rejection_id("a", command, b"x") == rejection_id("a", command, b"x")
    assert rejection_id("a", command, b"x") != rejection_id("a", command, b"y")


@pytest.mark.parametrize("text", ["12345678", "ABCD1234", "00000000"])
def test_ispb_is_eight_letters_or_digits(text: str) -> None:
    assert ispb(text, "participant") == text


@pytest.mark.parametrize("text", ["1234567", "123456789", "1234-678", "12345678\n", ""])
def test_other_text_is_no_ispb(text: str) -> None:
    with pytest.raises(InputRefused, match="participant"):
        ispb(text, "participant")
