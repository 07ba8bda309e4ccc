"""Records about entries equal the Avro contracts, and sources and operations their enums."""

from dataclasses import fields
from typing import Any

import pytest

from dict_schemas import avro
from tests.contract.test_claim_contracts import optional
from vsync.application.entry_report import CHARACTERS_MAX, EntryReport, Operation
from vsync.domain.cid import CidAttributes
from vsync.domain.entry import EntryChange
from vsync.domain.events import EntryChanged
from vsync.domain.precedence import Source

NULLABLE = {"cid", "cid_before", "subject_id"}


def declared(name: str) -> dict[str, dict[str, Any]]:
    """The fields of a schema by their names."""
    return {str(it["name"]): it for it in avro.fields(avro.definition(name, avro.latest(name)))}


@pytest.mark.parametrize("change", EntryChange)
def test_event_equals_its_schema(change: EntryChange) -> None:
    schema = declared(change)
    assert [field.name for field in fields(EntryChanged)] == list(schema)
    assert {name for name, field in schema.items() if optional(field)} == NULLABLE
    assert {*schema["source"]["type"]["symbols"]} == {*Source, "UNKNOWN"}


def test_report_is_read_from_every_field_of_its_schema() -> None:
    schema = declared("entry.report")
    inputs = {*CidAttributes._fields, "request_id", "account_opening_date"}
    assert set(CHARACTERS_MAX) < inputs
    own = {field.name for field in fields(EntryReport)} - {"papers"}
    assert own | inputs == set(schema)
    assert {*schema["operation"]["type"]["symbols"]} == {*Operation, "UNKNOWN"}


def test_what_a_cid_is_made_of_is_sealed_but_for_what_names_a_set() -> None:
    personal = avro.pii_fields(avro.definition("entry.report"))
    open_ = {"key_type", "participant", "account_type"}
    assert set(personal) == {*CidAttributes._fields, "request_id"} - open_
