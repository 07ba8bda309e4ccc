"""The gate for a new version of a schema: each against every older one, by Avro's own rules.

Commands: what we read must still understand what others wrote (backward). Events are kept for
ever and read by anybody: both ways.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from dict_schemas import avro
from dict_schemas.topics import namespaces, topics

BOTH_WAYS = {n.name for n in namespaces() if n.compatibility == "FULL_TRANSITIVE"}


def incompatibilities(by_version: Mapping[int, dict[str, object]], *, both_ways: bool) -> list[str]:
    """Every pair of versions that does not go together, with Avro's reason; empty when all do."""
    parsed = {version: parse(json.dumps(text)) for version, text in by_version.items()}
    pairs = [(new, old) for new in parsed for old in parsed if old < new]
    if both_ways:
        pairs += [(old, new) for new, old in pairs]
    found = []
    for reader, writer in pairs:
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
        result = checker.get_compatibility(parsed[reader], parsed[writer])
        if result.compatibility is not SchemaCompatibilityType.compatible:
            found.append(f"{reader} cannot read {writer}: {sorted(result.messages)}")
    return found


@pytest.mark.parametrize("name", avro.names())
def test_every_version_reads_every_older_one(name: str) -> None:
    used_in = {topic.namespace for topic in topics() if topic.schema == name}
    by_version = {version: avro.definition(name, version) for version in avro.versions(name)}
    assert incompatibilities(by_version, both_ways=bool(used_in & BOTH_WAYS)) == []


def _pair(changed: dict[str, object]) -> dict[int, dict[str, object]]:
    return {1: avro.definition("claim.created"), 2: changed}


def _fields(definition: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition["fields"]
    return found


def _with_field(field: dict[str, Any]) -> dict[str, object]:
    changed = copy.deepcopy(avro.definition("claim.created"))
    _fields(changed).append(field)
    return changed


def _without_field(name: str) -> dict[str, object]:
    changed = copy.deepcopy(avro.definition("claim.created"))
    changed["fields"] = [field for field in _fields(changed) if field["name"] != name]
    return changed


def _with_type(name: str, kind: object) -> dict[str, object]:
    changed = copy.deepcopy(avro.definition("claim.created"))
    for field in _fields(changed):
        if field["name"] == name:
            field["type"] = kind
    return changed


def test_an_optional_field_may_come() -> None:
    optional = {"name": "channel", "type": ["null", "string"], "default": None}
    assert incompatibilities(_pair(_with_field(optional)), both_ways=True) == []


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(_with_field({"name": "channel", "type": "string"}), id="mandatory field"),
        pytest.param(_with_type("claim_id", "long"), id="other type"),
        pytest.param({**avro.definition("claim.created"), "name": "ClaimOpened"}, id="other name"),
    ],
)
def test_a_breaking_change_is_refused_for_commands_and_events(changed: dict[str, object]) -> None:
    assert incompatibilities(_pair(changed), both_ways=False)
    assert incompatibilities(_pair(changed), both_ways=True)


def test_dropping_a_mandatory_field_is_refused_for_events_only() -> None:
    assert incompatibilities(_pair(_without_field("claimer_ispb")), both_ways=False) == []
    assert incompatibilities(_pair(_without_field("claimer_ispb")), both_ways=True)


def test_every_older_version_counts_not_only_the_last() -> None:
    optional = {"name": "channel", "type": ["null", "string"], "default": None}
    three = {
        1: _with_type("claim_id", "long"),
        2: avro.definition("claim.created"),
        3: _with_field(optional),
    }
    assert [text[:15] for text in incompatibilities(three, both_ways=False)] == [
        "2 cannot read 1",
        "3 cannot read 1",
    ]
