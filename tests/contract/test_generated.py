"""What is generated is what the contracts say today."""

from pathlib import Path

import pytest

from devstack.generate import ASYNCAPI, VIRTUAL_ROOT, GenerationFailed, generate_protobuf
from dict_schemas.asyncapi import document_text

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = REPOSITORY / "schemas"


def test_asyncapi_document_is_up_to_date() -> None:
    committed = (REPOSITORY / ASYNCAPI).read_text(encoding="utf-8")
    assert committed == document_text(), "Generate and commit it: ./dev generate"


def test_generated_protobuf_is_up_to_date(tmp_path: Path) -> None:
    fresh = content(tmp_path, generate_protobuf(SCHEMAS / "proto", tmp_path))
    committed = {
        path.relative_to(SCHEMAS / "src"): path.read_text(encoding="utf-8")
        for path in (SCHEMAS / "src" / VIRTUAL_ROOT).rglob("*.py*")
        if "__pycache__" not in path.parts
    }
    stale = [
        str(path)
        for path in fresh.keys() | committed.keys()
        if fresh.get(path) != committed.get(path)
    ]
    assert not stale, f"Generate and commit them: ./dev generate\n{sorted(stale)}"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = generate_protobuf(SCHEMAS / "proto", tmp_path / "first")
    second = generate_protobuf(SCHEMAS / "proto", tmp_path / "second")
    assert content(tmp_path / "first", first) == content(tmp_path / "second", second)


def test_a_removed_proto_leaves_nothing_behind(tmp_path: Path) -> None:
    proto = tmp_path / "proto" / "dict" / "x" / "v1"
    proto.mkdir(parents=True)
    for name in ("one", "two"):
        text = f'syntax = "proto3";\npackage dict.x.v1;\nmessage {name.title()} {{}}\n'
        (proto / f"{name}.proto").write_text(text, encoding="utf-8")
    generate_protobuf(tmp_path / "proto", tmp_path / "src")
    (proto / "two.proto").unlink()
    left = generate_protobuf(tmp_path / "proto", tmp_path / "src")
    assert {path.stem for path in left if path.suffix == ".py"} == {
        "__init__", "one_pb2", "one_pb2_grpc",
    }  # fmt: skip
    assert not (tmp_path / "src" / VIRTUAL_ROOT / "dict/x/v1/two_pb2.py").exists()


def test_a_wrong_proto_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    proto = tmp_path / "proto" / "dict"
    proto.mkdir(parents=True)
    (proto / "x.proto").write_text('syntax = "proto3";\nmessage A {}\n', encoding="utf-8")
    before = content(tmp_path / "src", generate_protobuf(tmp_path / "proto", tmp_path / "src"))
    (proto / "x.proto").write_text("no proto at all", encoding="utf-8")
    with pytest.raises(GenerationFailed, match=r"x\.proto"):
        generate_protobuf(tmp_path / "proto", tmp_path / "src")
    assert content(tmp_path / "src", tuple(before)) == before


def content(folder: Path, paths: tuple[Path, ...]) -> dict[Path, str]:
    """Text by path."""
    return {path: (folder / path).read_text(encoding="utf-8") for path in paths}
