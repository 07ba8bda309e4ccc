"""What the loader promises beyond the files' content."""

import re
import subprocess
import sys

import pytest

from dict_schemas import avro, examples, sql, temporal
from dict_schemas.topics import UnknownTopic, topic, topics


def test_a_definition_is_a_fresh_copy() -> None:
    first = avro.definition("claim.created")
    first["name"] = "Spoiled"
    avro.fields(first).clear()
    assert avro.record_name(avro.definition("claim.created")) == "dict.claim.ClaimCreated"
    assert avro.fields(avro.definition("claim.created"))


def test_pii_fields_say_whose_they_are() -> None:
    assert avro.pii_fields(avro.definition("claim.created")) == {"key": "claimer"}
    assert list(avro.pii_fields(avro.definition("claim.create"))) == [
        "key",
        "account_number",
        "claimer_tax_id",
        "claimer_name",
        "claimer_trade_name",
    ]
    assert avro.pii_fields(avro.definition("workflow.step")) == {}


@pytest.mark.parametrize(
    ("name", "version"), [("claim.created", 99), ("claim.lost", 1), ("claim.create", 0)]
)
def test_an_unknown_schema_is_named(name: str, version: int) -> None:
    with pytest.raises(avro.UnknownSchema, match=re.escape(name)):
        avro.definition(name, version)


def test_topics_by_name_and_for_another_tenant() -> None:
    created = topic("events", "claim.created")
    assert created.full_name() == "persistent://dict/events/claim.created"
    assert created.full_name("world7") == "persistent://world7/events/claim.created"
    assert created.core_copy
    with pytest.raises(UnknownTopic, match=r"events/claim\.lost"):
        topic("events", "claim.lost")


def test_a_core_copy_is_like_its_event_and_is_not_copied_again() -> None:
    copy = topic("core", "entry.transferred")
    event = topic("events", "entry.transferred")
    assert (copy.schema, copy.version, copy.key, copy.partitions, copy.producers) == (
        event.schema,
        event.version,
        event.key,
        event.partitions,
        event.producers,
    )
    assert copy.retention_days == 30
    assert event.retention_days is None
    assert not any(known.core_copy for known in topics() if known.namespace == "core")


def test_examples_of_an_unknown_schema_are_none() -> None:
    assert examples.examples("claim.lost") == ()
    assert [example.case for example in examples.examples("claim.created")] == [
        "portability-of-a-phone"
    ]


def test_temporal_names() -> None:
    names = temporal.temporal_names()
    assert (names.namespace, names.task_queue) == ("dict", "dict-task-queue")
    assert "CreateClaimWorkflow" in names.workflows
    assert "RecordTransition" in names.activities
    assert "claim-decision" in names.signals  # the seeds' own
    assert names.updates == ("claim_decision",)
    assert names.search_attributes["ClaimExpiresAt"] == "Datetime"


def test_migrations_come_in_order_with_their_digest() -> None:
    found = sql.migrations()
    assert found[0].version == "V010"
    assert [m.version for m in found] == sorted({m.version for m in found})
    assert all(re.fullmatch(r"[0-9a-f]{64}", m.sha256) and m.text for m in found)


def test_importing_reads_no_file() -> None:
    code = (
        "import io, pathlib, sys\n"
        "def refuse(*a, **k): raise AssertionError('read at import')\n"
        "pathlib.Path.read_text = pathlib.Path.read_bytes = pathlib.Path.open = refuse\n"
        "from dict_schemas import avro, examples, sql, temporal, topics\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
