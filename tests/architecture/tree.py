"""The files of the checkout that the architecture tests look at."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tests.architecture.rules import SourceFile

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = {
    ".git", ".venv", ".devstack", "__pycache__", "generated", "build", "dist", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache",
}  # fmt: skip
TEXT_ENDINGS = {".avsc", ".json", ".lock", ".md", ".proto", ".py", ".sql", ".toml", ".yaml", ""}


@dataclass(frozen=True)
class Member:
    """One folder with a pyproject.toml of its own."""

    folder: str
    distribution: str
    package: str


def members() -> tuple[Member, ...]:
    """All members of the repository, found on disk, sorted by folder."""
    found: list[Member] = []
    for project in sorted(REPOSITORY.glob("*/pyproject.toml")) + sorted(
        REPOSITORY.glob("*/*/pyproject.toml")
    ):
        folder = project.parent
        packages = [path.name for path in (folder / "src").iterdir() if path.is_dir()]
        assert len(packages) == 1, f"{folder}/src must hold one package, not {packages}"
        name = read_toml(project)["project"]["name"]
        found.append(Member(str(folder.relative_to(REPOSITORY)), name, packages[0]))
    return tuple(sorted(found, key=lambda member: member.folder))


def python_files() -> Iterator[SourceFile]:
    """Every Python file of ours, generated code aside."""
    for path in our_files():
        if path.suffix == ".py":
            relative = PurePosixPath(path.relative_to(REPOSITORY).as_posix())
            yield SourceFile(relative, path.read_text(encoding="utf-8"))


def our_files() -> Iterator[Path]:
    """Every text file of ours, whatever made it."""
    pending = [REPOSITORY]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.name in NOT_OURS or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                pending.append(path)
            elif path.suffix in TEXT_ENDINGS and path.is_file():
                yield path


def read_toml(path: Path) -> dict[str, Any]:
    """One TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))
