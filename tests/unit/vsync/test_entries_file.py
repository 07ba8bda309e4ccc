"""CSV and Parquet give the same rows, and say what is wrong with a file."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dict_common.kernel.errors import InputRefused
from tests.support.entry_files import PERSONAL, row, rows, write_csv
from vsync.adapters.entries_file import EntriesFile, write_faults
from vsync.application.import_rows import COLUMNS, Fault

HEADER = ",".join(COLUMNS)
GOOD = ",".join(row(1)[name] for name in COLUMNS)


def csv_file(folder: Path, text: str | bytes) -> EntriesFile:
    """With that content."""
    path = folder / "base.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return EntriesFile(path)


def test_csv_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    given = [row(1, name='Silva, "João"'), row(2, trade_name="", branch=""), row(3, name="a\nb")]
    columns = tuple(reversed(COLUMNS))
    from_csv = EntriesFile(write_csv(tmp_path / "base.csv", given, columns))
    table = {name: [it[name] or None for it in given] for name in columns}
    pq.write_table(pa.table(table), tmp_path / "base.parquet")
    from_parquet = EntriesFile(tmp_path / "base.parquet")
    wanted = [tuple(it[name] for name in COLUMNS) for it in given]
    assert [tuple(it.values) for it in from_csv.rows()] == wanted
    assert [tuple(it.values) for it in from_parquet.rows()] == wanted
    assert [it.line for it in from_csv.rows()] == [2, 3, 4]
    assert [it.line for it in from_parquet.rows()] == [1, 2, 3]
    assert from_csv.sha256 != from_parquet.sha256


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    of_two = GOOD.replace("João", '"João\n').replace("Silva", 'Silva"')
    file = csv_file(tmp_path, f"\ufeff{HEADER}\r\n{GOOD}\r\n\r\n{of_two}\r\n{GOOD}\r\n")
    assert [it.line for it in file.rows()] == [2, 4, 6]


def test_rows_of_other_lengths_and_other_bytes_are_rows_all_the_same(tmp_path: Path) -> None:
    broken = f"{HEADER}\n{GOOD},more\nfew\n".encode() + GOOD.encode("latin-1") + b"\n"
    more, few, latin = csv_file(tmp_path, broken).rows()
    assert len(more.values) != len(COLUMNS)
    assert len(few.values) == 1
    assert any("\udce3" in value for value in latin.values)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "columns must be"),
        (HEADER.replace(",tax_id", ""), "lacks tax_id"),
        (f"{HEADER},more", "columns must be"),
        (HEADER.replace(",", ";"), "columns must be"),
        (f'{HEADER}\n"{"x" * 70_000}', "line 2"),
    ],
    ids=["empty", "lacks", "more", "semicolons", "a quote that is not closed"],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputRefused, match=complaint):
        list(csv_file(tmp_path, text).rows())


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    for name, content in (("base.txt", b""), ("base.parquet", b"PAR1 and no more")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputRefused, match="file-invalid"):
            list(EntriesFile(tmp_path / name).rows())
    with pytest.raises(InputRefused, match="file-invalid"):
        EntriesFile(tmp_path / "none.csv")


def test_numbers_in_parquet_have_lost_their_zeros(tmp_path: Path) -> None:
    table = {name: [row(1)[name]] for name in COLUMNS} | {"branch": [1]}
    pq.write_table(pa.table(table), tmp_path / "base.parquet")
    with pytest.raises(InputRefused, match="branch must be text"):
        list(EntriesFile(tmp_path / "base.parquet").rows())


def test_other_bytes_in_parquet_are_rows_all_the_same(tmp_path: Path) -> None:
    table: dict[str, object] = {name: [row(1)[name], row(2)[name]] for name in COLUMNS}
    latin = pa.array(["João".encode("latin-1"), "João".encode()], pa.binary())
    table["name"] = pa.Array.from_buffers(pa.string(), 2, latin.buffers())
    table["key_type"] = pa.array(["PHONE", "PHONE"]).dictionary_encode()
    pq.write_table(pa.table(table), tmp_path / "base.parquet")
    broken, good = EntriesFile(tmp_path / "base.parquet").rows()
    assert broken.values[COLUMNS.index("name")] == "Jo\udce3o"
    assert good.values[COLUMNS.index("name")] == "João"
    assert good.values[COLUMNS.index("key_type")] == "PHONE"


def test_a_file_that_changed_is_noticed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "base.csv", rows(1))
    file = EntriesFile(path)
    file.require_unchanged()
    write_csv(path, rows(1, 2))
    with pytest.raises(InputRefused, match="file-changed"):
        file.require_unchanged()
    path.unlink()
    with pytest.raises(InputRefused, match="file-changed"):
        file.require_unchanged()


def test_the_report_holds_lines_columns_and_rules(tmp_path: Path) -> None:
    path = tmp_path / "base.csv.bad.csv"
    write_faults(path, [Fault(7, "key", "field-missing"), Fault(3, "", "columns-differ")])
    assert path.read_text() == "line,column,rule\n3,,columns-differ\n7,key,field-missing\n"
    assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116
    assert list(tmp_path.iterdir()) == [path]
    assert not any(value in path.read_text() for value in PERSONAL)
