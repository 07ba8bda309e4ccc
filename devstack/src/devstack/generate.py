"""Writes everything that is generated; drift tests call the same functions.

`./dev generate` runs it. Protobuf: input lies under `schemas/proto`, output under
`schemas/src/dict_schemas/generated` and is committed, so that nobody needs protoc to run. AsyncAPI:
`docs/asyncapi.yaml`, from topics and Avro files.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dict_schemas.asyncapi import document_text

# Mapping the proto folder to this virtual path makes the generated imports absolute ones of our
# package (`from dict_schemas.generated.dict.bridge.v1 import bridge_pb2`). A proto file that
# imports another of ours names it by this path too.
VIRTUAL_ROOT = "dict_schemas/generated"
ASYNCAPI = Path("docs", "asyncapi.yaml")
PROTOC_TIMEOUT_SECONDS = 120
_DOCSTRING = '"""Generated from schemas/proto by `./dev generate`. Do not edit."""\n'


class GenerationFailed(Exception):
    """protoc refused the input; the message holds its own words."""


def generate_protobuf(proto_folder: Path, source_folder: Path) -> tuple[Path, ...]:
    """Generates `<source_folder>/dict_schemas/generated` anew from all `.proto` files.

    Messages, gRPC stubs and their typing stubs. The folder is replaced as a whole, so a removed
    `.proto` leaves nothing behind; it is written beside the target first, so a failure changes
    nothing. The same input gives the same bytes. Returns the written paths, relative to
    `source_folder` and sorted. Raises GenerationFailed.
    """
    protos = sorted(path.relative_to(proto_folder) for path in proto_folder.rglob("*.proto"))
    if not protos:
        raise GenerationFailed(f"No .proto file under {proto_folder}. Put one there first.")
    source_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=source_folder) as temporary:
        _run_protoc(proto_folder, protos, Path(temporary))
        fresh = Path(temporary) / VIRTUAL_ROOT
        for folder in [fresh, *(path for path in fresh.rglob("*") if path.is_dir())]:
            (folder / "__init__.py").write_text(_DOCSTRING, encoding="utf-8")
        target = source_folder / VIRTUAL_ROOT
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(target)
    files = (path for path in target.rglob("*.py*") if "__pycache__" not in path.parts)
    return tuple(sorted(path.relative_to(source_folder) for path in files))


def generate_everything(repository: Path) -> tuple[Path, ...]:
    """All generated files of the checkout. Returns their paths relative to it."""
    sources = repository / "schemas" / "src"
    protobuf = generate_protobuf(repository / "schemas" / "proto", sources)
    (repository / ASYNCAPI).write_text(document_text(), encoding="utf-8")
    return (*(sources.relative_to(repository) / path for path in protobuf), ASYNCAPI)


def _run_protoc(proto_folder: Path, protos: list[Path], output: Path) -> None:
    scripts = Path(sys.executable).parent  # not resolved: the plugins lie beside the venv's python
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
        f"-I{VIRTUAL_ROOT}={proto_folder}",
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--mypy_out=quiet:{output}",
        f"--mypy_grpc_out=quiet:{output}",
        *(f"{VIRTUAL_ROOT}/{proto.as_posix()}" for proto in protos),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PROTOC_TIMEOUT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise GenerationFailed(f"protoc refused schemas/proto:\n{done.stderr.strip()}")
