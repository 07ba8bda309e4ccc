"""Process groups: found, asked to end, ended, and nobody else's touched."""

import dataclasses
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack import groups
from devstack.groups import Command
from devstack.state import ProcessRecord
from tests.unit.devstack.waiting import wait_for

FAMILY = ("sh", "-c", "sleep 600 & sleep 600 & wait")
STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600; done")


@pytest.fixture
def family(tmp_path: Path) -> Iterator[ProcessRecord]:
    """A leader with two children."""
    record = groups.start(Command(FAMILY), tmp_path / "log", tmp_path)
    wait_for(lambda: len(groups.members(record)) == 3)
    yield record
    groups.kill(record)


def test_a_group_is_found_with_its_children(family: ProcessRecord) -> None:
    assert groups.is_running(family)
    assert {process.name() for process in groups.members(family)} == {"sh", "sleep"}


def test_stop_leaves_nothing(family: ProcessRecord) -> None:
    groups.stop(family, signal.SIGTERM, 5.0)
    assert groups.members(family) == []
    assert not groups.is_running(family)


def test_children_that_outlive_their_leader_are_found_and_killed(family: ProcessRecord) -> None:
    psutil.Process(family.pid).kill()
    wait_for(lambda: not groups.is_running(family))
    assert len(groups.members(family)) == 2
    groups.kill(family)
    assert groups.members(family) == []


def test_who_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    record = groups.start(Command(STUBBORN), tmp_path / "log", tmp_path)
    wait_for(lambda: (tmp_path / "log").read_text(encoding="utf-8") == "ready\n")
    assert groups.stop(record, signal.SIGTERM, 0.2) is False
    assert groups.members(record) == []


@pytest.mark.parametrize(
    "other", [{"created": 1.0}, {"boot": "another"}], ids=["a reused pid", "another boot"]
)
def test_a_stranger_is_never_touched(family: ProcessRecord, other: dict[str, object]) -> None:
    stranger = dataclasses.replace(family, **other)  # type: ignore[arg-type]
    assert not groups.is_running(stranger)
    assert groups.members(stranger) == []
    groups.kill(stranger)
    groups.stop(stranger, signal.SIGTERM, 0.1)
    assert groups.is_running(family)


def test_a_command_gets_no_variable_of_another_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICT_POSTGRES_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("PGHOST", "elsewhere")
    command = Command(("env",), {"DICT_LOG_LEVEL": "INFO"})
    record = groups.start(command, tmp_path / "log", tmp_path)
    wait_for(lambda: not groups.is_running(record))
    seen = (tmp_path / "log").read_text(encoding="utf-8")
    assert "elsewhere" not in seen
    assert "DICT_LOG_LEVEL=INFO" in seen


def test_fingerprints_tell_commands_apart() -> None:
    one = Command(("a",), {"X": "1"})
    assert one.fingerprint() == Command(("a",), {"X": "1"}).fingerprint()
    others = [Command(("b",), {"X": "1"}), Command(("a",), {"X": "2"}), Command(("a",), code="c")]
    assert one.fingerprint() not in {other.fingerprint() for other in others}
