"""topics.yaml ↔ avro/: no schema without topic, no topic without schema, and the list's rules."""

import pytest

from dict_schemas import avro
from dict_schemas.topics import Topic, namespaces, topics

LISTED = [topic for topic in topics() if topic.namespace != "core"]
CORE = [topic for topic in topics() if topic.namespace == "core"]
WITH_SCHEMA = [topic for topic in topics() if topic.schema is not None]
EVENTS = [topic for topic in topics() if topic.namespace == "events"]
AGGREGATE_TYPES = {
    *("claim", "claim-donor", "entry", "command", "operator-action", "otp"),
    *("vsync-run", "review"),
}
NOT_FOR_CORE = {
    *("workflow.step", "operator.acted", "otp.validated"),
    *("entry.created", "entry.updated", "entry.deleted"),
    *("vsync.started", "vsync.discrepancy-found", "vsync.completed", "vsync.failed"),
}
"""What Core neither acts on nor reads in clear."""


def _id(topic: Topic) -> str:
    return f"{topic.namespace}/{topic.name}"


def test_every_schema_is_on_exactly_one_listed_topic() -> None:
    used = [topic.schema for topic in LISTED if topic.schema is not None]
    assert sorted(used) == sorted(avro.names())


@pytest.mark.parametrize("topic", WITH_SCHEMA, ids=_id)
def test_a_topic_is_called_like_its_schema_and_holds_the_newest(topic: Topic) -> None:
    assert topic.schema == topic.name
    assert topic.version == avro.latest(topic.name)


@pytest.mark.parametrize("topic", topics(), ids=_id)
def test_only_dead_letters_have_no_schema(topic: Topic) -> None:
    assert (topic.schema is None) == (topic.namespace == "dead-letters")


@pytest.mark.parametrize("topic", WITH_SCHEMA, ids=_id)
def test_the_key_is_a_mandatory_text_of_the_body_or_the_subject(topic: Topic) -> None:
    assert topic.schema is not None
    if topic.key != "ce_subject":
        types = {f["name"]: f["type"] for f in avro.fields(avro.definition(topic.schema))}
        assert types[topic.key] == "string"


def test_no_topic_twice() -> None:
    names = [topic.full_name() for topic in topics()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("topic", topics(), ids=_id)
def test_a_topic_says_all_that_others_need(topic: Topic) -> None:
    assert topic.namespace in {namespace.name for namespace in namespaces()}
    assert topic.producers
    assert topic.consumers
    assert topic.partitions >= 1
    assert topic.meaning.endswith(".")


@pytest.mark.parametrize("topic", EVENTS, ids=_id)
def test_an_event_says_what_audit_writes(topic: Topic) -> None:
    assert "audit-sink" in topic.consumers
    assert topic.workflow_type
    assert topic.aggregate_type in AGGREGATE_TYPES
    assert topic.event_type
    if topic.event_type.startswith("field:"):
        assert topic.schema is not None
        fields = {f["name"] for f in avro.fields(avro.definition(topic.schema))}
        assert topic.event_type.removeprefix("field:") in fields


def test_core_gets_a_copy_of_what_it_acts_on() -> None:
    assert {topic.name for topic in CORE} == {topic.name for topic in EVENTS} - NOT_FOR_CORE
    assert all(topic.consumers == ("core",) for topic in CORE)
    assert all(topic.retention_days == 30 for topic in CORE)


def test_policies_of_the_namespaces() -> None:
    policies = {n.name: (n.retention_days, n.compatibility) for n in namespaces()}
    assert policies == {
        "commands": (30, "BACKWARD_TRANSITIVE"),
        "events": (None, "FULL_TRANSITIVE"),
        "core": (30, "FULL_TRANSITIVE"),
        "dead-letters": (None, None),
    }


@pytest.mark.parametrize("topic", topics(), ids=_id)
def test_claims_and_entries_have_sixteen_partitions(topic: Topic) -> None:
    many = topic.schema is not None and topic.name.split(".")[0] in {"claim", "entry"}
    assert topic.partitions == (16 if many else 4)
