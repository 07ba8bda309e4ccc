"""One line for each commit and seed, so that runs add up: rows of a Markdown table."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.judging import Verdict

HEAD = "| commit | seed | result | s | killed | ends | promises |\n|---|---|---|---|---|---|---|\n"
KEPT = "P1-P5 P9 P10"


@dataclass(frozen=True)
class Line:
    """One seed's result. `broken` says why it is BROKEN."""

    commit: str
    seed: int
    seconds: float
    killed: tuple[str, ...]
    ends: tuple[str, ...]
    promises: str
    broken: tuple[str, ...]

    def __str__(self) -> str:
        result = "BROKEN" if self.broken else "ok"
        cells = (
            self.commit,
            str(self.seed),
            result,
            f"{self.seconds:.0f}",
            "; ".join(self.killed) or "-",
            " ".join(self.ends) or "-",
            self.promises,
        )
        return f"| {' | '.join(cells)} |"


def line_of(
    commit: str, seed: int, seconds: float, killed: Iterable[str], verdict: Verdict
) -> Line:
    """The line of a seed that was judged."""
    broken = [one.name for one in verdict.promises if one.broken]
    promises = KEPT if not broken else f"broken: {' '.join(broken)}"
    return Line(commit, seed, seconds, tuple(killed), verdict.ends, promises, verdict.broken)


def commit_of(repository: Path) -> str:
    """The short name of what is checked out, with `+` when the product differs from it."""
    name = _git(repository, "rev-parse", "--short=7", "HEAD")
    product = ("services", "libs", "schemas", "simulators", "devstack", "cli")
    return name + ("+" if _git(repository, "status", "--porcelain", "--", *product) else "")


def seeds_done(results: Path, commit: str) -> set[int]:
    """The seeds that ran well under a commit."""
    if not results.is_file():
        return set()
    done: set[int] = set()
    for line in results.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) > 2 and cells[0] == commit and cells[1].isdigit() and cells[2] == "ok":
            done.add(int(cells[1]))
    return done


def append(results: Path, line: Line) -> None:
    """Adds a line; a new file gets the table's head."""
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            file.write(HEAD)
        file.write(f"{line}\n")


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=repository, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
