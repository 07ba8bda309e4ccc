"""An export's file: whole under its name, or not there; the same columns in both formats."""

import json
from datetime import UTC, datetime
from errno import EACCES, ENOSPC
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from audit_sink.adapters import parquet_file
from audit_sink.adapters.export_file import export_file
from audit_sink.adapters.stored_rows import COLUMNS
from audit_sink.application.audit_search import Row
from audit_sink.application.export import FileNotWritten, Format
from tests.support.audit_rows import audit_row


def exported_row(leaf_no: int) -> Row:
    """A row as the search gives it."""
    row = audit_row()._asdict() | {"batch_id": UUID(int=7), "leaf_no": leaf_no}
    return row | {name: json.loads(row[name]) for name in ("event_payload", "metadata")}


ROWS = [exported_row(number) for number in range(25)]


@pytest.mark.parametrize("format_", Format)
def test_file_is_whole_hashed_and_alone(tmp_path: Path, format_: Format) -> None:
    out = tmp_path / "events"
    with export_file(out, format_, force=False) as file:
        file.write(ROWS[:10])
        assert not out.exists()
        file.write(ROWS[10:])
        done = file.end()
    assert (done.rows, done.sha256) == (25, sha256(out.read_bytes()).hexdigest())
    assert list(tmp_path.iterdir()) == [out]
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("format_", Format)
def test_same_rows_are_the_same_bytes(tmp_path: Path, format_: Format) -> None:
    digests = set()
    for name in ("a", "b"):
        with export_file(tmp_path / name, format_, force=False) as file:
            file.write(ROWS)
            digests.add(file.end().sha256)
    assert len(digests) == 1


def test_lines_hold_every_column(tmp_path: Path) -> None:
    with export_file(tmp_path / "x", Format.JSONL, force=False) as file:
        file.write(ROWS)
        file.end()
    lines = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [tuple(line) for line in lines] == [COLUMNS] * 25
    assert lines[3]["leaf_no"] == 3
    assert lines[3]["occurred_at"] == "2026-01-02T03:04:05.678901Z"
    assert lines[3]["event_payload"] == ROWS[3]["event_payload"]
    assert lines[3]["event_id"] == str(ROWS[3]["event_id"])


def test_parquet_holds_every_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 10)
    with export_file(tmp_path / "x", Format.PARQUET, force=False) as file:
        for begin in range(0, 25, 5):
            file.write(ROWS[begin : begin + 5])
        file.end()
    read = pq.ParquetFile(tmp_path / "x")
    assert read.metadata.num_row_groups == 3
    assert read.schema_arrow.equals(parquet_file.SCHEMA)
    rows = read.read().to_pylist()
    assert tuple(rows[0]) == COLUMNS
    assert rows[24]["leaf_no"] == 24
    assert rows[24]["occurred_at"] == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert rows[24]["event_payload"] == '{"key":"c2VhbGVk","n":1,"é":null}'
    assert rows[24]["workflow_run_id"] is None


def test_parquet_schema_stays() -> None:
    assert parquet_file.SCHEMA.to_string() == (
        "event_id: string not null\n"
        "workflow_type: string not null\n"
        "workflow_id: string not null\n"
        "workflow_run_id: string\n"
        "event_type: string not null\n"
        "event_subtype: string\n"
        "event_payload: string not null\n"
        "user_id: string\n"
        "correlation_id: string\n"
        "occurred_at: timestamp[us, tz=UTC] not null\n"
        "metadata: string not null\n"
        "source: string not null\n"
        "aggregate_type: string not null\n"
        "aggregate_id: string not null\n"
        "aggregate_sequence: int64 not null\n"
        "participant_ispb: string\n"
        "batch_id: string not null\n"
        "leaf_no: int32 not null"
    )


@pytest.mark.parametrize("format_", Format)
def test_nothing_fits_is_an_empty_file_that_can_be_read(tmp_path: Path, format_: Format) -> None:
    with export_file(tmp_path / "x", format_, force=False) as file:
        assert file.end().rows == 0
    if format_ is Format.PARQUET:
        assert pq.read_table(tmp_path / "x").num_rows == 0
    else:
        assert (tmp_path / "x").read_bytes() == b""


@pytest.mark.parametrize("format_", Format)
def test_broken_off_it_leaves_nothing(tmp_path: Path, format_: Format) -> None:
    def break_off() -> None:
        with export_file(tmp_path / "x", format_, force=False) as file:
            file.write(ROWS)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "x"
    out.write_text("mine")
    with pytest.raises(FileExistsError), export_file(out, Format.JSONL, force=False):
        pass
    assert out.read_text() == "mine"
    with export_file(out, Format.JSONL, force=True) as file:
        file.write(ROWS[:1])
        file.end()
    assert len(out.read_text().splitlines()) == 1


def test_name_that_was_taken_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "x"

    def taken() -> None:
        with export_file(out, Format.JSONL, force=False) as file:
            out.write_text("theirs")
            file.end()

    with pytest.raises(FileExistsError):
        taken()
    assert out.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("format_", Format)
def test_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: Format
) -> None:
    full = OSError(ENOSPC, "No space left on device")

    def refuse(_self: object, _data: object) -> int:
        raise full

    def write() -> None:
        with export_file(tmp_path / "x", format_, force=False) as file:
            monkeypatch.setattr("audit_sink.adapters.export_file._Hashed.write", refuse)
            file.write(ROWS)
            file.end()

    with pytest.raises(FileNotWritten, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["", ".", "/"])
def test_folder_is_no_file(tmp_path: Path, folder: str) -> None:
    with (
        pytest.raises(FileNotWritten, match="it is a folder"),
        export_file(tmp_path / folder, Format.JSONL, force=True),
    ):
        pass


def test_folder_that_may_not_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refused)
    with (
        pytest.raises(FileNotWritten, match="Permission denied"),
        export_file(tmp_path / "x", Format.JSONL, force=False),
    ):
        pass
