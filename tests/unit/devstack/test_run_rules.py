"""The rules of a test run itself: order, skips under CI, no server for a test that needs none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY

RUN_SECONDS = 60
SKIPPED = "import pytest\n\ndef test_one():\n    pytest.skip('no reason')\n"
MIXED = "def test_a(stack):\n    pass\n\ndef test_b():\n    pass\n\ndef test_c(stack):\n    pass\n"


def run(folder: Path, text: str, *arguments: str, ci: str) -> subprocess.CompletedProcess[str]:
    """pytest over one file elsewhere, under the rules of `tests/conftest.py`."""
    (folder / "test_file.py").write_text(text, encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest"),
            *("-p", "no:cacheprovider", f"--rootdir={folder}", "-c", "/dev/null"),
            *(*arguments, str(folder / "test_file.py")),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_skip_fails_the_run_under_ci(tmp_path: Path, ci: str, code: int) -> None:
    done = run(tmp_path, SKIPPED, ci=ci)
    assert done.returncode == code, done.stdout
    assert "1 skipped" in done.stdout.splitlines()[-1]


def test_tests_of_the_stack_come_last(tmp_path: Path) -> None:
    done = run(tmp_path, MIXED, "--collect-only", ci="")
    names = [line.split("::")[1] for line in done.stdout.splitlines() if "::" in line]
    assert names == ["test_b", "test_a", "test_c"]
