"""Rotation in two runs, as an operator makes them: nobody is left without a key, nothing secret is
printed."""

import json
from pathlib import Path

import pytest

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dictctl.keys import list_, rotate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Development keysets."""
    make_missing(tmp_path)
    return tmp_path


def sealer(folder: Path) -> TinkRestSealer:
    """As a process that starts now holds it."""
    keysets = KeysetFolder(folder)
    return TinkRestSealer(keysets.private("rest"), keysets.private("prf"))


def uses(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What each key of a keyset is for, oldest first."""
    capsys.readouterr()
    list_(folder, Format.JSON)
    rows = json.loads(capsys.readouterr().out)
    return [row["use"] for row in rows if row["keyset"] == name]


def test_between_the_runs_everybody_opens_what_anybody_seals(folder: Path) -> None:
    started_before = sealer(folder)
    rotate("rest", folder)
    started_between = sealer(folder)
    assert started_before.open("t.c", started_between.seal("t.c", b"x")) == b"x"
    rotate("rest", folder, promote=True)
    started_after = sealer(folder)
    assert started_between.open("t.c", started_after.seal("t.c", b"x")) == b"x"
    assert started_after.open("t.c", started_before.seal("t.c", b"x")) == b"x"


def test_public_part_follows(folder: Path) -> None:
    keysets = KeysetFolder(folder)
    old = HybridSealer(keysets.public("command-public"))
    rotate("command-private", folder)
    between = HybridOpener(keysets.private("command-private"))
    rotate("command-private", folder, promote=True)
    new = HybridSealer(keysets.public("command-public"))
    assert between.open("a.B.c", new.seal("a.B.c", "x")) == "x"
    assert between.open("a.B.c", old.seal("a.B.c", "x")) == "x"


def test_list_shows_what_each_key_is_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert uses(folder, "kek", capsys) == ["seals and opens"]
    rotate("kek", folder)
    assert uses(folder, "kek", capsys) == ["seals and opens", "opens, waits to be promoted"]
    rotate("kek", folder, promote=True)
    assert uses(folder, "kek", capsys) == ["opens", "seals and opens"]
    (folder / "kek.json").unlink()
    assert uses(folder, "kek", capsys) == ["no such file"]


def test_wrong_order_is_a_conflict(folder: Path) -> None:
    with pytest.raises(CommandFailed, match="waits to be promoted") as none_waits:
        rotate("rest", folder, promote=True)
    rotate("rest", folder)
    with pytest.raises(CommandFailed, match="first give every process the file") as one_waits:
        rotate("rest", folder)
    assert (none_waits.value.code, one_waits.value.code) == (Exit.CONFLICT, Exit.CONFLICT)


@pytest.mark.parametrize("promote", [False, True], ids=["add", "promote"])
def test_dry_run_changes_nothing(folder: Path, promote: bool) -> None:
    if promote:
        rotate("command-private", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rotate("command-private", folder, promote=promote, dry_run=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_file_keeps_its_mode(folder: Path) -> None:
    (folder / "rest.json").chmod(0o640)
    rotate("rest", folder)
    assert (folder / "rest.json").stat().st_mode & 0o777 == 0o640


def test_no_secret_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rotate("rest", folder, output=Format.JSON)
    list_(folder, Format.JSON)
    printed = capsys.readouterr()
    values = [
        key["keyData"]["value"] for key in json.loads((folder / "rest.json").read_text())["key"]
    ]
    assert len(values) == 2
    assert not any(value in printed.out + printed.err for value in values)


def test_unknown_missing_and_broken_are_told_apart(folder: Path) -> None:
    with pytest.raises(CommandFailed, match="is none of") as unknown:
        rotate("command-public", folder)
    assert unknown.value.code is Exit.NOT_FOUND
    (folder / "rest.json").write_text("{}")
    with pytest.raises(ConfigurationInvalid, match=r"rest\.json"):
        rotate("rest", folder)
    (folder / "kek.json").unlink()
    with pytest.raises(ConfigurationInvalid, match=r"kek\.json"):
        rotate("kek", folder)


def test_folder_that_cannot_be_written_says_so(folder: Path) -> None:
    (folder / "rest.part").mkdir()  # in the way, for root too
    with pytest.raises(CommandFailed, match="cannot be written"):
        rotate("rest", folder)
