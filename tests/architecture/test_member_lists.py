"""Six lists name the members of this repository. They agree with the folders and each other."""

import re
from pathlib import Path
from typing import Any

from devstack.passwords import ROLES
from devstack.preparation import STEPS
from devstack.processes import PROCESSES
from tests.architecture.tree import REPOSITORY, Member, members, read_toml

PROJECT = read_toml(REPOSITORY / "pyproject.toml")
PACKAGES = sorted(member.package for member in members())
APART = ("benchmarks", "tests")
"""Packages at the root: checked like members, never installed."""
SERVICES = [member for member in members() if member.folder.startswith("services/")]


def test_folder_distribution_and_package_are_one_name() -> None:
    for member in members():
        assert member.package == member.distribution.replace("-", "_"), member
    for member in SERVICES:
        assert member.folder == f"services/{member.distribution}"


def test_workspace_names_every_member() -> None:
    patterns = PROJECT["tool"]["uv"]["workspace"]["members"]
    found = {
        str(project.parent.relative_to(REPOSITORY))
        for pattern in patterns
        for project in REPOSITORY.glob(f"{pattern}/pyproject.toml")
    }
    assert found == {member.folder for member in members()}


def test_dev_installs_every_member() -> None:
    text = (REPOSITORY / "dev").read_text(encoding="utf-8")
    line = re.search(r"^members=\((.*)\)$", text, flags=re.MULTILINE)
    assert line is not None
    assert sorted(line.group(1).split()) == sorted(member.folder for member in members())


def test_import_contracts_cover_every_member() -> None:
    assert PROJECT["tool"]["importlinter"]["root_packages"] == PACKAGES
    assert contract("no-circle")["ancestors"] == PACKAGES
    apart = [package for package in PACKAGES if package not in ("dict_common", "dict_schemas")]
    assert contract("simulator-apart")["modules"] == apart
    services = [member.package for member in SERVICES]
    assert contract("floors")["containers"] == services
    assert " | ".join(services) in contract("house")["layers"]
    house = {name for layer in contract("house")["layers"] for name in layer.split(" | ")}
    assert sorted(house) == PACKAGES


def test_types_and_import_order_cover_every_member() -> None:
    assert PROJECT["tool"]["mypy"]["packages"] == sorted([*PACKAGES, *APART])
    isort = PROJECT["tool"]["ruff"]["lint"]["isort"]
    assert isort["known-first-party"] == sorted([*PACKAGES, *APART])


def test_every_service_is_started_and_logs_in_under_its_own_role() -> None:
    for member in SERVICES:
        own = [one for one in PROCESSES if one.name.startswith(member.distribution)]
        assert own, f"{member.folder} has no process in devstack/processes.py"
        assert all(one.module.startswith(f"{member.package}.entrypoints.") for one in own)
        assert member.package in ROLES, f"add {member.package} to devstack/passwords.py"


def test_every_started_process_exists() -> None:
    for process in PROCESSES:
        owner = owner_of(process.module)
        path = REPOSITORY / owner.folder / "src" / process.module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), process


def test_every_preparing_module_exists() -> None:
    modules = [step.command[2] for step in STEPS if step.command[1] == "-m"]
    assert modules
    for module in modules:
        path = REPOSITORY / owner_of(module).folder / "src" / module.replace(".", "/")
        assert path.with_suffix(".py").is_file(), module


def contract(identifier: str) -> dict[str, Any]:
    """One import contract of pyproject.toml."""
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    found: list[dict[str, Any]] = [one for one in contracts if one["id"] == identifier]
    assert len(found) == 1, f"pyproject.toml must hold one contract {identifier}"
    return found[0]


def owner_of(module: str) -> Member:
    """The member that a module belongs to."""
    return next(one for one in members() if one.package == module.split(".", 1)[0])


def test_every_member_is_an_installed_checkout() -> None:
    for member in members():
        assert (Path(REPOSITORY, member.folder, "src", member.package, "py.typed")).is_file()
