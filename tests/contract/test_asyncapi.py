"""docs/asyncapi.yaml says of each topic what topics.yaml and the Avro file say, and its references
lead somewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.generate import ASYNCAPI
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.kernel.ids import new_id
from dict_schemas import avro
from dict_schemas.asyncapi import AVRO_FORMAT
from dict_schemas.topics import Topic, namespaces, topics

FILE = Path(__file__).resolve().parents[2] / ASYNCAPI
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
ROOT_FIELDS = {
    "asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components",
}  # fmt: skip


def _id(topic: Topic) -> str:
    return f"{topic.namespace}.{topic.name}"


def _resolved(reference: str) -> Any:
    """What a reference leads to. Raises KeyError, FileNotFoundError."""
    file, _, pointer = reference.partition("#")
    found: Any = DOCUMENT
    if file:
        found = json.loads((FILE.parent / file).read_text(encoding="utf-8"))
    for part in filter(None, pointer.split("/")):
        found = found[part]
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            assert set(node) == {"$ref"}, f"a reference stands alone: {node}"
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_it_is_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) == ROOT_FIELDS
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert {"host", "protocol"} <= set(DOCUMENT["servers"]["pulsar"])


def test_every_reference_leads_somewhere() -> None:
    references = set(_references(DOCUMENT))
    assert len(references) > len(topics())
    for reference in references:
        assert _resolved(reference), reference


def test_channels_are_the_topics() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert addresses == [topic.full_name() for topic in topics()]


@pytest.mark.parametrize("topic", topics(), ids=_id)
def test_channel_says_the_policy_of_its_namespace(topic: Topic) -> None:
    channel = DOCUMENT["channels"][_id(topic)]
    namespace = next(it for it in namespaces() if it.name == topic.namespace)
    binding = channel["bindings"]["pulsar"]
    assert (binding["namespace"], binding["persistence"]) == (namespace.name, "persistent")
    if namespace.retention_days is None:
        assert "retention" not in binding
        assert binding["x-retention"] == "for ever"
    else:
        assert binding["retention"] == {"time": namespace.retention_days * 1440}
    assert channel["x-schema-compatibility"] == (namespace.compatibility or "none")
    assert channel["x-partitions"] == topic.partitions


@pytest.mark.parametrize("topic", topics(), ids=_id)
def test_message_holds_the_avro_schema_that_the_broker_holds(topic: Topic) -> None:
    (reference,) = DOCUMENT["channels"][_id(topic)]["messages"].values()
    message = _resolved(reference["$ref"])
    if topic.schema is None or topic.version is None:
        assert message["contentType"] == "application/octet-stream"
        return
    definition = avro.definition(topic.schema, topic.version)
    assert message["payload"]["schemaFormat"] == AVRO_FORMAT
    assert _resolved(message["payload"]["schema"]["$ref"]) == definition
    assert message["x-sealed-fields"] == list(avro.pii_fields(definition))


def test_operations_are_what_each_service_sends_and_receives() -> None:
    told = {
        (it["tags"][0]["name"], it["action"], _resolved(it["channel"]["$ref"])["address"])
        for it in DOCUMENT["operations"].values()
    }
    wanted = {(who, "send", topic.full_name()) for topic in topics() for who in topic.producers}
    wanted |= {(who, "receive", it.full_name()) for it in topics() for who in it.consumers}
    assert told == wanted
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(it["$ref"].startswith(f"{channel}/messages/") for it in operation["messages"])


def test_headers_are_the_properties_of_the_envelope() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    envelope = Envelope(
        id=new_id(),
        type="claim.created",
        source="/dict-connect/claim-orchestrator",
        time=SystemClock().now(),
        subject="x",
        aggregate_type="claim",
        sequence=1,
        correlation_id="x",
        causation_id="x",
        traceparent="x",
        workflow=WorkflowRef("x", "x", "x"),
    )
    assert set(schemas["eventHeaders"]["properties"]) == set(envelope.to_properties())
    assert set(schemas["commandHeaders"]["properties"]) < set(envelope.to_properties())
