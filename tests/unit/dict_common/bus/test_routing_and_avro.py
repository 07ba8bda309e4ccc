"""Routing agrees with Java, and bodies are decoded with the writer's schema or not at all."""

import pytest

from dict_common.bus.avro import AvroCodec
from dict_common.bus.router import murmur3_32, partition_of
from dict_common.kernel.errors import Undeliverable

STEP = {"kind": "TIMER_FIRED", "name": "n", "outcome": "ok", "request_id": None, "detail": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("hello", 0x248BFA47),
        ("hello, world", 0x149BBB7F),
        ("The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_murmur3_vectors(text: str, expected: int) -> None:
    assert murmur3_32(text.encode()) == expected


def test_partition_is_stable_and_spread() -> None:
    counts = [0] * 16
    for number in range(4_000):
        counts[partition_of(f"claim-{number}", 16)] += 1
    assert partition_of("claim-1", 16) == partition_of("claim-1", 16)
    assert min(counts) > 150


def test_round_trip() -> None:
    codec = AvroCodec()
    assert codec.decode("workflow.step", 1, codec.encode("workflow.step", STEP)) == STEP


@pytest.mark.parametrize("body", [b"", b"\xff\xfe junk", b"\x02" * 3])
def test_junk_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undeliverable) as buried:
        AvroCodec().decode("workflow.step", 1, body)
    assert buried.value.reason_code == "undecodable"


def test_bytes_left_over_are_undecodable() -> None:
    body = AvroCodec().encode("workflow.step", STEP) + b"\x00"
    with pytest.raises(Undeliverable, match="left over"):
        AvroCodec().decode("workflow.step", 1, body)


def test_field_that_the_schema_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="extra"):
        AvroCodec().encode("workflow.step", STEP | {"extra": 1})


def test_personal_fields_and_their_contexts() -> None:
    codec = AvroCodec()
    assert codec.personal_fields("claim.created") == ("key",)
    assert codec.context("claim.created", "key") == "dict.claim.ClaimCreated.key"
    assert codec.personal_fields("workflow.step") == ()
