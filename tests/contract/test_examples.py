"""Each example goes through Avro and comes back as it was; bytes stand as base64 in JSON."""

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest

from dict_schemas import avro
from dict_schemas.examples import Example, examples
from dict_schemas.location import contracts_folder
from dict_schemas.topics import topics

ALL = [example for name in avro.names() for example in examples(name)]
COMMANDS = {topic.schema for topic in topics() if topic.namespace == "commands"}
HYBRID_BYTES_MIN = 5 + 32 + 16
"""Tink's prefix, X25519 encapsulated key, AES-GCM tag."""
SEALED_BYTES_MIN = 1 + 16 + 12 + 16
"""Format byte, key id, nonce, AES-GCM tag."""
VECTOR_B = ("+5561988880000", "11122233300", "João Silva", "0007654321", "a946d533-7f22")


def _id(example: Example) -> str:
    return f"{example.name}/{example.version}/{example.case}"


def _to_avro(example: Example) -> dict[str, Any]:
    personal = avro.pii_fields(avro.definition(example.name, example.version))
    return {
        name: base64.b64decode(value, validate=True) if name in personal and value else value
        for name, value in example.body.items()
    }


def _to_json(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return value


@pytest.mark.parametrize("example", ALL, ids=_id)
def test_an_example_round_trips(example: Example) -> None:
    schema = fastavro.parse_schema(avro.definition(example.name, example.version))
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, _to_avro(example), strict=True)
    buffer.seek(0)
    back = fastavro.schemaless_reader(buffer, schema, None)
    assert isinstance(back, dict)
    assert {name: _to_json(value) for name, value in back.items()} == example.body
    assert list(example.body) == list(back), "write the fields in the schema's order"


@pytest.mark.parametrize("example", ALL, ids=_id)
def test_personal_fields_have_the_length_and_head_of_their_format(example: Example) -> None:
    record = _to_avro(example)
    for name in avro.pii_fields(avro.definition(example.name, example.version)):
        sealed = record[name]
        if sealed is not None:
            assert sealed[0] == 1
            least = HYBRID_BYTES_MIN if example.name in COMMANDS else SEALED_BYTES_MIN
            assert len(sealed) > least


@pytest.mark.parametrize("example", ALL, ids=_id)
def test_nothing_personal_stands_in_clear(example: Example) -> None:
    text = json.dumps(example.body, ensure_ascii=False)
    assert [value for value in VECTOR_B if value in text] == []


@pytest.mark.parametrize("name", avro.names())
def test_every_version_has_an_example(name: str) -> None:
    assert {example.version for example in examples(name)} == set(avro.versions(name))


def test_no_example_without_schema() -> None:
    folders = {path.name for path in (contracts_folder() / "examples").iterdir() if path.is_dir()}
    assert folders == set(avro.names())


def test_a_wrong_example_is_refused() -> None:
    example = examples("claim.created")[0]
    schema = fastavro.parse_schema(avro.definition("claim.created"))
    for wrong in ({"dict_status": "EXPIRED"}, {"claim_id": None}, {"surplus": "x"}):
        with pytest.raises((ValueError, TypeError)):
            fastavro.schemaless_writer(io.BytesIO(), schema, _to_avro(example) | wrong, strict=True)
