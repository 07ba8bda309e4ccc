"""Every `dictctl` line of the documentation names a verb and options that there are."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from dictctl.main import root

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [*(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "cli/README.md"]
)
BLOCK = re.compile(r"```(?:sh|bash|console)\n(.*?)```", re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of each `dictctl …` line in the page's shell blocks, without what is piped on."""
    lines = [line.strip() for block in BLOCK.findall(page) for line in block.splitlines()]
    found = [line.partition("dictctl ")[2] for line in lines if re.search(r"(^|\s)dictctl ", line)]
    return [shlex.split(re.split(r"[|>;]|&&", line)[0], comments=True) for line in found]


def wrong(words: list[str]) -> str:
    """What no verb of ours takes; empty when all is well."""
    command: Any = typer.main.get_command(root)
    rest = list(words)
    while hasattr(command, "commands") or hasattr(command, "list_commands"):
        name = rest.pop(0) if rest else ""
        found = command.get_command(None, name)
        if found is None:
            return f"{command.name} has no verb {name!r}"
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    strangers = [word for word in rest if word.startswith("-") and word not in options | {"-"}]
    return ", ".join(strangers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_of_a_page_are_ours(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8")):
        assert not wrong(words), f"dictctl {' '.join(words)}: {wrong(words)}"


def test_wrong_commands_are_found() -> None:
    page = "```sh\n./dev run dictctl claim list --helt | cat\ndictctl dlq give-back\n```"
    assert [bool(wrong(words)) for words in commands(page)] == [True, True]
    assert wrong(["dlq", "redrive", "--service", "x", "--why", "y"]) == ""
