"""Events of runs and reviews equal the Avro contracts, names equal temporal.yaml, and what stands
in tables is what the domain says."""

import re
from dataclasses import fields
from typing import Any

import pytest

from dict_schemas import avro
from dict_schemas.location import contracts_folder
from dict_schemas.temporal import temporal_names
from tests.contract.test_claim_contracts import optional
from vsync.application import sync_process
from vsync.application.decide_review import DELETED
from vsync.application.identify_entries import RUNG_NAMES
from vsync.application.keep_entry import KEPT
from vsync.application.repair_entries import CORRECTIONS, FIXED, GONE, IN_REVIEW, OVERTAKEN
from vsync.application.writing import ADOPTED, SUPERSEDED
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import EntryChange
from vsync.domain.events import (
    DiscrepancyFound,
    EntryCorrected,
    ReviewOpened,
    ReviewResolved,
    SyncCompleted,
    SyncFailed,
    SyncStarted,
)
from vsync.domain.review import Decision, ReviewStatus
from vsync.domain.sync_run import Rung, SyncStatus, SyncType
from vsync.entrypoints.worker import WORKFLOWS
from vsync.settings import Settings

EVENTS = (
    SyncStarted,
    DiscrepancyFound,
    SyncCompleted,
    SyncFailed,
    ReviewOpened,
    ReviewResolved,
    EntryCorrected,
)
V034 = (contracts_folder() / "sql" / "migrations" / "V034__vsync_runs.sql").read_text("utf-8")


def declared(name: str) -> dict[str, dict[str, Any]]:
    """The fields of a schema by their names."""
    return {str(it["name"]): it for it in avro.fields(avro.definition(name, avro.latest(name)))}


def symbols(name: str, field: str) -> set[str]:
    """Of an enum, without UNKNOWN."""
    kind = declared(name)[field]["type"]
    chosen = kind[1] if isinstance(kind, list) else kind
    return set(chosen["symbols"]) - {"UNKNOWN"}


def checked(column: str) -> set[str]:
    """The words that a CHECK of V034 allows."""
    found = re.search(rf"CHECK \(\s*{column} IN \(([^)]*)\)", V034)
    assert found is not None, column
    return set(re.findall(r"'(\w+)'", found[1]))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.NAME)
def test_event_equals_its_schema(event: Any) -> None:
    schema = declared(event.NAME)
    assert {field.name for field in fields(event)} == set(schema)
    absent = {field.name for field in fields(event) if "None" in str(field.type)}
    assert {name for name, field in schema.items() if optional(field)} == absent


def test_words_of_events_are_those_of_the_domain() -> None:
    assert symbols("vsync.run", "sync_type") == set(SyncType)
    assert symbols("vsync.completed", "result") == set(SyncStatus) - {SyncStatus.FAILED}
    assert symbols("vsync.discrepancy-found", "rung") == set(RUNG_NAMES.values())
    assert set(RUNG_NAMES) == set(Rung)
    corrections = {*CORRECTIONS.values(), "EXCLUDED", "RESTORED", ADOPTED}
    assert symbols("entry.corrected", "correction") == corrections
    assert set(CORRECTIONS) == set(EntryChange) - {EntryChange.DELETED}
    assert symbols("review.resolved", "outcome") == {SUPERSEDED, DELETED, KEPT}
    assert symbols("review.decide", "decision") == set(Decision)


def test_words_of_tables_are_those_of_the_domain() -> None:
    assert checked("type") == set(DiscrepancyType)
    assert {FIXED, IN_REVIEW, GONE, OVERTAKEN, "OPEN", "FAILED"} == checked("state")


def test_statuses_of_reviews_are_those_of_the_domain() -> None:
    queue = V034.partition("CREATE TABLE vsync.manual_review_queue")[2]
    found = re.search(r"status IN \(([^)]*)\)", queue)
    assert found is not None
    assert set(re.findall(r"'(\w+)'", found[1])) == set(ReviewStatus)


def test_names_that_temporal_keeps() -> None:
    names = temporal_names()
    constants = {
        value
        for name, value in vars(sync_process).items()
        if name.isupper() and isinstance(value, str)
    }
    assert constants == {*names.vsync_workflows, *names.vsync_activities}
    assert {it.__name__ for it in WORKFLOWS} == set(names.vsync_workflows)
    assert Settings.model_fields["task_queue"].default == names.vsync_task_queue
