"""`./dev check`: everything that can be said of the code without running it, side by side."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack.failures import StackFailure
from devstack.groups import without_stack_variables
from devstack.starting import Say

SIDE_BY_SIDE = 2  # the slow ones use one core each


@dataclass(frozen=True)
class Job:
    """One tool; `fix` is what to type when it complains."""

    name: str
    command: tuple[str, ...]
    fix: str


# The slow ones first, so that the quick ones fill the gaps.
JOBS = (
    Job("types", ("mypy",), "correct the types; the rules are in pyproject.toml, [tool.mypy]"),
    Job(
        "architecture",
        ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/architecture"),
        "each message says what to do instead",
    ),
    Job("imports", ("lint-imports",), "move the import; the contracts are in pyproject.toml"),
    Job("lint", ("ruff", "check", "."), "./dev run ruff check --fix ."),
    Job("format", ("ruff", "format", "--check", "."), "./dev run ruff format ."),
)


@dataclass(frozen=True)
class Outcome:
    """How one job ended."""

    job: Job
    good: bool
    output: str
    seconds: float


def check(repository: Path, say: Say, jobs: Sequence[Job] = JOBS) -> None:
    """Runs all jobs to their end. Raises StackFailure that names those that failed and the fix."""
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        outcomes = []
        for outcome in pool.map(lambda job: run_job(job, repository), jobs):
            outcomes.append(outcome)
            say(f"  {outcome.job.name}: {_verdict(outcome)} ({outcome.seconds:.1f} s)")
    bad = [outcome for outcome in outcomes if not outcome.good]
    for outcome in bad:
        say(f"\n{outcome.job.name} says:\n{outcome.output.rstrip()}")
    if bad:
        raise StackFailure(
            "\n".join(["check failed:", *(f"  {one.job.name}: {one.job.fix}" for one in bad)])
        )
    say(f"check: all good ({time.monotonic() - began:.1f} s)")


def run_job(job: Job, repository: Path) -> Outcome:
    """Runs one tool of our own environment. Blocks."""
    began = time.monotonic()
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [str(scripts / job.command[0]), *job.command[1:]],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=without_stack_variables(os.environ),
    )
    return Outcome(job, done.returncode == 0, done.stdout, time.monotonic() - began)


def _verdict(outcome: Outcome) -> str:
    return "good" if outcome.good else "FAILED"
