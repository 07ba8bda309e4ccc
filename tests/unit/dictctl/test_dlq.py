"""A letter that is opened shows what has a syntax, and the length of everything else."""

import io

import fastavro
import pytest

from dict_common.bus.avro import AvroCodec
from dict_common.bus.dead_letters import DeadLetter
from dict_schemas import avro
from dict_schemas.examples import examples
from dictctl.dlq import _content

CPF = "11122233300"
CE_ID = "01935b6e-0000-7000-8000-000000000001"


def _letter(
    properties: dict[str, str], body: bytes = b"", name: str = "claim.decide"
) -> DeadLetter:
    return DeadLetter(
        reason="undecodable",
        detail="",
        consumer="c",
        topic=f"persistent://dict/commands/{name}",
        message_id="1:2:3:-1",
        key="",
        schema_version=-1,
        properties=properties,
        published_at="2026-11-30T12:00:00+00:00",
        redriven=0,
        body=body,
    )


def test_attributes_that_look_as_they_should_are_shown() -> None:
    properties = {
        "ce_specversion": "1.0",
        "ce_id": CE_ID,
        "ce_type": "claim.decide",
        "ce_time": "2026-11-30T12:00:00.123456Z",
        "ce_sequence": "7",
        "dict_aggregatetype": "claim-donor",
    }
    assert _content(_letter(properties))["properties"] == properties


def test_attributes_that_do_not_may_be_personal_and_show_their_length() -> None:
    names = ("ce_specversion", "ce_id", "ce_type", "ce_time", "ce_sequence", "dict_aggregatetype")
    properties = dict.fromkeys((*names, "x_note"), CPF)
    assert _content(_letter(properties))["properties"] == dict.fromkeys(
        properties, "[11 characters]"
    )


def test_free_text_of_a_body_shows_its_length_and_words_of_an_enum_stand() -> None:
    name = "operator.request"
    record = examples(name)[-1].body | {"reason": f"call João {CPF}", "token": b"sealed"}
    body = AvroCodec().encode(name, record)
    shown = _content(_letter({}, body, name))["body"]
    assert isinstance(shown, dict)
    assert shown["reason"] == "[21 characters]"
    assert shown["verb"] == record["verb"]
    assert CPF not in str(shown)


@pytest.mark.parametrize("name", avro.names())
def test_every_version_of_every_schema_is_shown(name: str) -> None:
    for example in examples(name):
        personal = avro.pii_fields(avro.definition(name, example.version))
        record = {
            field: b"sealed" if field in personal and value else value
            for field, value in example.body.items()
        }
        body = io.BytesIO()
        fastavro.schemaless_writer(body, avro.definition(name, example.version), record)
        shown = _content(_letter({}, body.getvalue(), name))["body"]
        assert isinstance(shown, dict), example
        assert all(shown[field] in ("[6 sealed bytes]", None) for field in personal)
