"""Hand-written records equal the Avro contracts, names equal temporal.yaml and topics.yaml."""

from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from claim_orchestrator.application import claim_process
from claim_orchestrator.application.claim_console import DRAFT
from claim_orchestrator.application.create_claim import CreateClaim
from claim_orchestrator.domain import events
from claim_orchestrator.domain.claim import ClaimType, DictStatus, Role
from claim_orchestrator.domain.transitions import CLAIMER
from claim_orchestrator.entrypoints.worker import WORKFLOWS
from dict_common.intake.events import CommandRejected, OperatorActed
from dict_common.kernel.pix_key import KeyType
from dict_schemas import avro
from dict_schemas.temporal import temporal_names
from dict_schemas.topics import topics

RECORDS: list[type[Any]] = [
    events.ClaimCreated,
    events.ClaimAcknowledged,
    events.ClaimDecided,
    events.ClaimDeadlineApproaching,
    events.ClaimConfirmed,
    events.ClaimCompleted,
    events.ClaimCancelled,
    events.ClaimFailed,
    events.EntryTransferred,
    events.WorkflowStep,
    CommandRejected,
    OperatorActed,
]


def optional(field: dict[str, object]) -> bool:
    """Whether an Avro field may be null."""
    return isinstance(field["type"], list) and "null" in field["type"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.NAME)
def test_event_equals_its_schema(record: type[Any]) -> None:
    declared = avro.fields(avro.definition(record.NAME, avro.latest(record.NAME)))
    hints = get_type_hints(record)
    assert [field.name for field in fields(record)] == [field["name"] for field in declared]
    for field in declared:
        name = str(field["name"])
        may_be_none = type(None) in getattr(hints[name], "__args__", ())
        assert may_be_none == optional(field), f"{record.NAME}.{name}"


def test_every_event_of_a_status_has_a_topic_and_a_record() -> None:
    names = {topic.name for topic in topics() if topic.namespace == "events"}
    assert {arrival.event for arrival in CLAIMER.values()} <= names
    assert {record.NAME for record in RECORDS} <= names


def test_command_is_read_from_every_field_of_its_schema() -> None:
    declared = {str(field["name"]): field for field in avro.fields(avro.definition("claim.create"))}
    read = {field.name for field in fields(CreateClaim)} | {"key_type"}
    assert read == set(declared)
    drafted = {field.name: field for field in DRAFT}
    assert set(declared) - set(drafted) == {"claim_id"}
    needed = {name for name, field in drafted.items() if field.needed}
    required = {name for name, field in declared.items() if not optional(field)}
    assert needed == required - {"claim_id", "requested_at"}


@pytest.mark.parametrize(("enumeration", "field"), [(ClaimType, "type"), (KeyType, "key_type")])
def test_enumerations_of_the_command(enumeration: type[ClaimType | KeyType], field: str) -> None:
    assert symbols("claim.create", field) == {*map(str, enumeration), "UNKNOWN"}


def test_enumerations_of_events() -> None:
    assert symbols("claim.created", "role") == {*map(str, Role), "UNKNOWN"}
    assert symbols("claim.created", "dict_status") == {*map(str, DictStatus), "UNKNOWN"}


def symbols(name: str, field: str) -> set[str]:
    """The symbols of an enum field."""
    (declared,) = [it for it in avro.fields(avro.definition(name)) if it["name"] == field]
    kind = declared["type"]
    chosen = kind[1] if isinstance(kind, list) else kind
    assert isinstance(chosen, dict)
    return set(chosen["symbols"])


def test_names_that_temporal_keeps() -> None:
    names = temporal_names()
    constants = {
        value
        for name, value in vars(claim_process).items()
        if name.isupper() and isinstance(value, str)
    }
    assert set(names.workflows) == {workflow.__name__ for workflow in WORKFLOWS}
    declared = {
        *names.workflows,
        *names.activities,
        *names.signals,
        *names.updates,
        *names.queries,
        *names.search_attributes,
    }
    assert constants == declared
