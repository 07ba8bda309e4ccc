"""What a database was made by is known, and a change to it is told."""

from datetime import UTC, datetime

import pytest

from dict_common.store.migrations import MigrationsDiffer, MigrationState, verify
from dict_common.store.outbox import columns, numbered_event
from dict_common.store.queries import load_queries
from dict_schemas.sql import migrations
from tests.unit.dict_common.store.rows import outgoing, row

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def states(*applied: bool | str) -> tuple[MigrationState, ...]:
    """A state for each of the first migrations: applied, missing or "edited"."""
    return tuple(
        MigrationState(migration, NOW if state else None, state != "edited")
        for migration, state in zip(migrations(), applied, strict=False)
    )


def test_applied_in_order_is_good() -> None:
    verify(states(True, True, False))
    verify(states(False, False))


def test_edited_migration_is_told() -> None:
    with pytest.raises(MigrationsDiffer, match="V011 was applied with another text"):
        verify(states(True, "edited"))


def test_hole_is_told() -> None:
    with pytest.raises(MigrationsDiffer, match="missing below"):
        verify(states(True, False, True))


def test_versions_are_the_seeds_then_ours() -> None:
    versions = [migration.version for migration in migrations()]
    assert versions[:11] == [f"V{number:03}" for number in range(10, 21)]
    assert versions == sorted(versions)
    assert len({migration.sha256 for migration in migrations()}) == len(versions)


def test_queries_carry_their_names() -> None:
    queries = load_queries("dict_common.store", "outbox")
    assert queries["outbox_insert"].name == "outbox_insert"
    assert "INSERT INTO connect.outbox" in queries["outbox_insert"].sql
    assert not any(query.sql.endswith(";") for query in queries.values())


def test_outbox_refuses_a_body_over_64_kib() -> None:
    assert columns([outgoing(b"x" * 65_536)]).ordinals == [1]
    with pytest.raises(Exception, match="too-large"):
        columns([outgoing(b"x" * 65_537)])


def test_sequence_joins_the_properties_when_the_row_is_sent() -> None:
    assert numbered_event(row(sequence=7)).properties["ce_sequence"] == "7"
