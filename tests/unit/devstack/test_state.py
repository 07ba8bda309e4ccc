"""The state file: whole or not there, and never a guess."""

from pathlib import Path

import pytest

from devstack.failures import StackFailure
from devstack.state import (
    ProcessRecord,
    StackState,
    StateFile,
    decode,
    encode,
    write_whole,
)

RECORD = ProcessRecord(pid=4711, created=1_700_000_000.25, boot="b", fingerprint="f")


def test_a_state_survives_the_file() -> None:
    state = StackState(
        ports={"pulsar": 20_001},
        processes={"pulsar": RECORD},
        external={"DICT_REDIS_URL": "redis://127.0.0.1:6379"},
        day_seconds=60,
        prepared="p",
    )
    assert decode(encode(state)) == state


def test_no_file_is_the_empty_state(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "state.json").read() == StackState()


def test_an_update_sees_what_was_written_before(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "run" / "state.json")
    file.update(lambda state: state.with_process("redis", RECORD))
    file.update(lambda state: state.with_process("pulsar", RECORD))
    file.update(lambda state: state.without_process("redis"))
    assert StateFile(tmp_path / "run" / "state.json").read().processes == {"pulsar": RECORD}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_file_that_is_not_ours_is_refused_with_advice(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StackFailure, match="dev clean"):
        StateFile(path).read()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_mode_is_set_before_the_file_is_seen(tmp_path: Path) -> None:
    write_whole(tmp_path / "secret", "x", mode=0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
