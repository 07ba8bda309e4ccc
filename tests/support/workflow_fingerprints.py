"""What the workflows ask of Temporal, in the order of their code.

A change here may break running claims without any saved history noticing it: it has to be looked at
by a person. `./dev run python -m tests.support.workflow_fingerprints` renews the kept list.
"""

import ast
import json
from pathlib import Path

import claim_orchestrator.workflows

KEPT = Path(__file__).resolve().parents[1] / "workflow" / "histories" / "fingerprints.json"
COMMANDS = frozenset(
    {
        "do",
        "execute_activity",
        "start_child_workflow",
        "wait_condition",
        "sleep",
        "signal",
        "cancel",
        "upsert_search_attributes",
        "uuid4",
        "uuid7",
        "random",
        "patched",
        "deprecate_patch",
        "continue_as_new",
    }
)


def fingerprints() -> dict[str, list[str]]:
    """Module to its commands: `function: call(first argument)`."""
    folder = Path(next(iter(claim_orchestrator.workflows.__path__)))
    found = {file.stem: _commands(file) for file in sorted(folder.glob("*.py"))}
    return {name: commands for name, commands in found.items() if commands}


def kept() -> dict[str, list[str]]:
    """The list that a person has looked at."""
    looked_at: dict[str, list[str]] = json.loads(KEPT.read_text(encoding="utf-8"))
    return looked_at


def _commands(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [
                (call.lineno, f"{function.name}: {_name(call)}({_first(call)})")
                for call in ast.walk(function)
                if isinstance(call, ast.Call) and _name(call) in COMMANDS
            ]
    # A nested function's calls are found with it and with its parent: once is enough.
    return [text for _, text in sorted({line: (line, text) for line, text in found}.values())]


def _name(call: ast.Call) -> str:
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _first(call: ast.Call) -> str:
    return ast.unparse(call.args[0]) if call.args else ""


if __name__ == "__main__":
    KEPT.write_text(json.dumps(fingerprints(), indent=2) + "\n", encoding="utf-8")
