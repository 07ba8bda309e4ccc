"""Each import contract is alive: a sin planted in a copy of the tree is found and named.

All sins are planted in one copy and found in one run, each under the contract that forbids it.
A second run over the copy without them shows that nothing else was found.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.tree import REPOSITORY, members, read_toml

RUN_SECONDS = 120


@dataclass(frozen=True)
class Sin:
    """A module that breaks the contract; `shown` must stand in the contract's message."""

    contract: str
    module: str
    text: str
    shown: str


SINS = (
    Sin(
        "floors",
        "claim_orchestrator.domain.sin_upwards",
        "import claim_orchestrator.application",
        "claim_orchestrator.domain.sin_upwards -> claim_orchestrator.application",
    ),
    Sin(
        "floors",
        "claim_orchestrator.application.sin_adapter",
        "import claim_orchestrator.adapters",
        "claim_orchestrator.application.sin_adapter -> claim_orchestrator.adapters",
    ),
    Sin("floors", "audit_sink.sin_stray", "", "sin_stray"),
    Sin(
        "replay-sends-nothing",
        "audit_sink.entrypoints.replayer",
        "import dict_common.bus.publisher",
        "audit_sink.entrypoints.replayer -> dict_common.bus.publisher",
    ),
    Sin(
        "library-floors",
        "dict_common.kernel.sin_store",
        "import dict_common.store",
        "dict_common.kernel.sin_store -> dict_common.store",
    ),
    Sin("library-floors", "dict_common.sin_room", "", "sin_room"),
    Sin(
        "house",
        "dict_schemas.sin_library",
        "import dict_common.kernel",
        "dict_schemas.sin_library -> dict_common.kernel",
    ),
    Sin(
        "house",
        "audit_sink.domain.sin_neighbour",
        "import claim_orchestrator.domain",
        "audit_sink.domain.sin_neighbour -> claim_orchestrator.domain",
    ),
    Sin(
        "simulator-apart",
        "dictctl.sin_simulator",
        "import bridge_simulator",
        "dictctl.sin_simulator -> bridge_simulator",
    ),
    Sin(
        "simulator-shares-no-rules",
        "bridge_simulator.sin_rules",
        "import dict_common.kernel",
        "bridge_simulator.sin_rules -> dict_common.kernel",
    ),
    Sin(
        "one-door",
        "audit_sink.entrypoints.sin_door",
        "import audit_sink.adapters",
        "audit_sink.entrypoints.sin_door -> audit_sink.adapters",
    ),
    Sin(
        "adapters-call-no-steps",
        "claim_orchestrator.adapters.sin_step",
        "import claim_orchestrator.activities",
        "claim_orchestrator.adapters.sin_step -> claim_orchestrator.activities",
    ),
    Sin(
        "pure-rules",
        "claim_orchestrator.application.sin_driver",
        "import asyncpg",
        "claim_orchestrator.application.sin_driver -> asyncpg",
    ),
    Sin(
        "domain-needs-no-port",
        "claim_orchestrator.domain.sin_port",
        "import dict_common.ports",
        "claim_orchestrator.domain.sin_port -> dict_common.ports",
    ),
    Sin(
        "deterministic-workflows",
        "claim_orchestrator.workflows.sin_network",
        "import grpc",
        "claim_orchestrator.workflows.sin_network -> grpc",
    ),
    Sin(
        "no-circle",
        "dictctl.sin_circle_a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import dictctl.sin_circle_b",
        "sin_circle_a",
    ),
)
# The other half of the circle; no sin by itself.
PLANTED_BESIDE = {"dictctl.sin_circle_b": "import dictctl.sin_circle_a"}


@pytest.fixture(scope="module")
def clean_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packages and the configuration, side by side under one folder."""
    root = tmp_path_factory.mktemp("tree")
    for member in members():
        shutil.copytree(
            REPOSITORY / member.folder / "src" / member.package,
            root / "src" / member.package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    return root


@pytest.fixture(scope="module")
def report(clean_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of the copy with all sins planted."""
    root = tmp_path_factory.mktemp("sins") / "tree"
    shutil.copytree(clean_copy, root)
    planted = {sin.module: sin.text for sin in SINS} | PLANTED_BESIDE
    for module, text in planted.items():
        path = root / "src" / Path(*module.split(".")).with_suffix(".py")
        assert path.parent.is_dir(), f"{path.parent} is gone: plant {module} elsewhere"
        path.write_text(f'"""Planted by a test."""\n{text}\n', encoding="utf-8")
    done = lint(root)
    assert done.returncode == 1, done.stdout
    return done.stdout


def test_the_tree_itself_is_clean(clean_copy: Path) -> None:
    done = lint(clean_copy)
    assert done.returncode == 0, done.stdout
    assert f"{len(contracts())} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("sin", SINS, ids=lambda sin: f"{sin.contract}: {sin.module}")
def test_the_sin_is_found(sin: Sin, report: str) -> None:
    said = section(report, contracts()[sin.contract])
    assert sin.shown in said, f"{contracts()[sin.contract]} does not show it:\n{report}"


def test_every_contract_has_a_sin() -> None:
    assert {sin.contract for sin in SINS} == set(contracts())


def contracts() -> dict[str, str]:
    """Name of each contract by its id."""
    tables = read_toml(REPOSITORY / "pyproject.toml")["tool"]["importlinter"]["contracts"]
    return {table["id"]: table["name"] for table in tables}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the packages below `root`, which come before the installed ones."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def section(report: str, name: str) -> str:
    """What the report says under the heading of one broken contract."""
    details = report.split("Broken contracts", 1)[-1]
    names = [each for each in contracts().values() if f"\n{each}\n" in details]
    start = details.find(f"\n{name}\n")
    assert start >= 0, f"The contract {name!r} is not broken:\n{report}"
    rest = details[start + 1 :]
    ends = [rest.find(f"\n{each}\n", 1) for each in names if each != name]
    return rest[: min((end for end in ends if end > 0), default=len(rest))]
