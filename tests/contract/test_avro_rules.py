"""The rules of every .avsc: what would be wrong for ever once events are kept for ever."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dict_schemas import avro
from dict_schemas.topics import topics

PRIMITIVES = {"string", "bytes", "int", "long", "boolean"}
TIMESTAMP = {"type": "long", "logicalType": "timestamp-micros"}
TEXTS = {"type": "array", "items": "string"}
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RECORD_NAME = re.compile(r"dict\.[a-z]+(\.[a-z]+)*\.[A-Z][A-Za-z]+")
SUBJECTS = {"claimer", "operator", "owner"}
PERSONAL = re.compile(r"^key$|tax_id|_name$|account_number|^branch$")


def violations(definition: dict[str, Any]) -> list[str]:
    """What this record breaks, in words; empty when it keeps all rules."""
    return [*_record_violations(definition), *_fields_violations(definition)]


def _record_violations(definition: dict[str, Any]) -> Iterator[str]:
    if definition["type"] != "record":
        yield "a message body is a record"
    if not RECORD_NAME.fullmatch(avro.record_name(definition)):
        yield "call the record dict.<aggregate>.<Name>"
    if not definition.get("doc"):
        yield "give the record a doc"


def _fields_violations(definition: dict[str, Any]) -> Iterator[str]:
    known_enums: set[str] = set()
    for field in definition["fields"]:
        for words in (
            *_field_violations(field),
            *_type_violations(_present_type(field), known_enums),
            *_personal_violations(field),
        ):
            yield f"{field['name']}: {words}"


def _field_violations(field: dict[str, Any]) -> Iterator[str]:
    if not SNAKE.fullmatch(field["name"]):
        yield "write the name in snake_case"
    if not field.get("doc"):
        yield "give the field a doc"
    if isinstance(field["type"], list):
        if field["type"][0] != "null" or len(field["type"]) != 2:
            yield 'an optional field is ["null", type]'
        if "default" not in field or field["default"] is not None:
            yield "an optional field has the default null"


def _type_violations(present: Any, known_enums: set[str]) -> Iterator[str]:
    if present in (TIMESTAMP, TEXTS) or (isinstance(present, str) and present in known_enums):
        return
    if isinstance(present, dict) and present.get("type") == "enum":
        known_enums.add(present["name"])
        if "UNKNOWN" not in present["symbols"] or present.get("default") != "UNKNOWN":
            yield "an enum has the symbol UNKNOWN as its default"
        if not present.get("doc"):
            yield "give the enum a doc"
        return
    if not isinstance(present, str) or present not in PRIMITIVES:
        yield f"{present} is no type of ours (no floats, no nesting but lists of texts; times are "
        yield "timestamp-micros)"


def _personal_violations(field: dict[str, Any]) -> Iterator[str]:
    present = _present_type(field)
    if (present == "bytes") != (field.get("pii") is True):
        yield "personal data is bytes with pii: true, and nothing else is"
    if field.get("pii") is True and field.get("subject") not in SUBJECTS:
        yield "say whose personal data it is"
    if PERSONAL.search(field["name"]) and field.get("pii") is not True:
        yield "this looks personal: seal it"


def _present_type(field: dict[str, Any]) -> Any:
    kind = field["type"]
    return kind[-1] if isinstance(kind, list) else kind


EVERY_VERSION = [(name, version) for name in avro.names() for version in avro.versions(name)]


@pytest.mark.parametrize(("name", "version"), EVERY_VERSION)
def test_every_schema_keeps_the_rules(name: str, version: int) -> None:
    assert violations(avro.definition(name, version)) == []


@pytest.mark.parametrize("name", avro.names())
def test_versions_have_no_gap(name: str) -> None:
    assert avro.versions(name) == tuple(range(1, avro.latest(name) + 1))


def test_record_names_belong_to_one_schema_each() -> None:
    records = [avro.record_name(avro.definition(name)) for name in avro.names()]
    assert len(set(records)) == len(records)


@pytest.mark.parametrize("name", avro.names())
def test_a_record_name_never_changes(name: str) -> None:
    records = {avro.record_name(avro.definition(name, v)) for v in avro.versions(name)}
    assert len(records) == 1, "it is part of the encryption context: start a topic .v2 instead"


SHARED_BY_CLAIM_EVENTS = [
    "claim_id",
    "dict_claim_id",
    "role",
    "type",
    "key_type",
    "claimer_ispb",
    "donor_ispb",
    "dict_status",
    "resolution_period_end",
    "completion_period_end",
    "claimer_deadline",
    "subject_id",
]


@pytest.mark.parametrize(
    "name",
    [
        topic.name
        for topic in topics()
        if topic.namespace == "events"
        and topic.aggregate_type == "claim"
        and topic.key != "ce_subject"
    ],
)
def test_claim_events_begin_alike(name: str) -> None:
    fields = avro.fields(avro.definition(name))
    shared = avro.fields(avro.definition("claim.acknowledged"))
    assert [field["name"] for field in fields[: len(shared)]] == SHARED_BY_CLAIM_EVENTS
    assert fields[: len(shared)] == shared


def test_entry_transferred_carries_all_that_a_cid_needs() -> None:
    names = {field["name"] for field in avro.fields(avro.definition("entry.transferred"))}
    cid_inputs = {
        "key_type",
        "key",
        "owner_tax_id",
        "owner_name",
        "owner_trade_name",
        "participant",
        "branch",
        "account_number",
        "account_type",
    }
    assert cid_inputs | {"request_id"} <= names


def _spoil(field_name: str, **changes: Any) -> dict[str, Any]:
    spoiled = copy.deepcopy(avro.definition("claim.created"))
    field = next(field for field in avro.fields(spoiled) if field["name"] == field_name)
    field |= changes
    return spoiled


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (_spoil("key", type="string"), "personal data is bytes"),
        (_spoil("key", pii=False), "this looks personal"),
        (_spoil("key", subject="nobody"), "say whose"),
        (_spoil("claim_id", type="bytes"), "nothing else is"),
        (_spoil("claim_id", type="double"), "no floats"),
        (_spoil("claim_id", type="float"), "no floats"),
        (_spoil("claim_id", name="claimId"), "snake_case"),
        (_spoil("claim_id", doc=""), "doc"),
        (_spoil("dict_claim_id", type=["string", "null"]), '["null", type]'),
        (_spoil("dict_claim_id", default=""), "default null"),
        (_spoil("resolution_period_end", type=["null", {"type": "long"}]), "timestamp-micros"),
        (
            _spoil("role", type={"type": "enum", "name": "Role", "doc": "x", "symbols": ["A"]}),
            "UNKNOWN",
        ),
        ({**avro.definition("claim.created"), "namespace": "bacen"}, "dict.<aggregate>"),
        ({**avro.definition("claim.created"), "doc": ""}, "record a doc"),
    ],
)
def test_a_broken_rule_is_found(spoiled: dict[str, Any], words: str) -> None:
    assert any(words in found for found in violations(spoiled)), violations(spoiled)
