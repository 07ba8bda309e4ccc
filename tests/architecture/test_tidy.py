"""The tree keeps its own rules of names and size, and each rule can fail."""

import re
from pathlib import PurePosixPath

import pytest

from tests.architecture import rules
from tests.architecture.rules import RULES, Rule, SourceFile
from tests.architecture.tree import REPOSITORY, our_files, python_files

# Where somebody's machine shows through. Written so that this file does not match itself.
TRACES = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:root|home|Users)/[a-z]"),
    "the host of a package registry": re.compile(
        r"\b(?:pypi\.org|files\.pythonhosted|proxy\.golang|repo1?\.maven|registry\.npmjs)"
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    findings = [
        f"{file.path}:{line}: {message}" for file in python_files() for line, message in rule(file)
    ]
    assert not findings, "\n" + "\n".join(findings)


def test_no_trace_of_a_machine() -> None:
    findings = [
        f"{path.relative_to(REPOSITORY)}:{number}: {what}: remove it"
        for path in our_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for what, pattern in TRACES.items()
        if pattern.search(line)
    ]
    assert not findings, "\n" + "\n".join(findings)


BAD = {
    "file_name": ("cli/src/dictctl/claim_utils.py", '"""Doc."""\n', "file name says 'utils'"),
    "module_length": ("cli/src/dictctl/claim.py", "x = 1\n" * 301, "301 lines, 300 allowed"),
    "function_length": (
        "cli/src/dictctl/claim.py",
        "def long() -> None:\n" + "    x = 1\n" * 50,
        "long has 51 lines, 50 allowed",
    ),
    "parameters": (
        "cli/src/dictctl/claim.py",
        "def wide(a, b, c, d, *, e, f, g): ...\n",
        "wide has 7 parameters, 6 allowed",
    ),
    "line_length": ("tests/unit/test_x.py", "#" + "x" * 100 + "\n", "101 characters, 100 allowed"),
    "package_file": ("cli/src/dictctl/__init__.py", '"""Doc."""\nimport os\n', "a docstring"),
    "docstrings": (
        "cli/src/dictctl/claim.py",
        '"""Doc."""\n\n\nclass Claim:\n    x = 1\n',
        "Claim has no docstring",
    ),
    "left_overs": ("cli/src/dictctl/claim.py", "# TO" + "DO: later\n", "open an issue"),
    "waiting": ("tests/unit/test_x.py", "import time\ntime.sleep(1)\n", "with a deadline"),
    "skipping": ("tests/unit/test_x.py", "import pytest\npytest.skip('no')\n", "remove the test"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_can_fail_and_says_what_to_do(rule: Rule) -> None:
    path, text, expected = BAD[rule.__name__]
    messages = [message for _, message in rule(SourceFile(PurePosixPath(path), text))]
    assert len(messages) == 1
    assert expected in messages[0]


def test_a_typer_command_may_have_many_options() -> None:
    text = "@app.command()\ndef create(a, b, c, d, e, f, g, h): ...\n"
    file = SourceFile(PurePosixPath("cli/src/dictctl/claim.py"), text)
    assert list(rules.parameters(file)) == []
