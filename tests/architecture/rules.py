"""The tidy rules of ARCHITECTURE.md, "Names and size", as functions over one file.

Each yields (line, what is wrong and what to do instead). `test_tidy.py` runs them over the tree.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MODULE_LINES_MAX = 300
TEST_MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 6
LINE_LENGTH_MAX = 100
FORBIDDEN_WORDS = ("base", "helper", "helpers", "manager", "misc", "service", "util", "utils")


@dataclass(frozen=True)
class SourceFile:
    """One Python file; `path` is relative to the checkout."""

    path: PurePosixPath
    text: str

    @property
    def in_tests(self) -> bool:
        """Tests may be longer and need no docstrings."""
        return self.path.parts[0] == "tests"

    @property
    def tree(self) -> ast.Module:
        """Parsed anew at each call. Raises SyntaxError."""
        return ast.parse(self.text, str(self.path))


Findings = Iterator[tuple[int, str]]
Rule = Callable[[SourceFile], Findings]


def file_name(file: SourceFile) -> Findings:
    """A name that says nothing invites everything."""
    words = file.path.stem.split("_")
    for word in FORBIDDEN_WORDS:
        if word in words and not file.in_tests:
            yield 1, f"the file name says {word!r}: name it after the thing or the use case in it"


def module_length(file: SourceFile) -> Findings:
    """What is too long to read at once does more than one thing."""
    limit = TEST_MODULE_LINES_MAX if file.in_tests else MODULE_LINES_MAX
    length = len(file.text.splitlines())
    if length > limit:
        yield limit, f"{length} lines, {limit} allowed: move one of its subjects to its own module"


def function_length(file: SourceFile) -> Findings:
    """Signature and docstring count."""
    for function in _functions(file.tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES_MAX:
            yield (
                function.lineno,
                f"{function.name} has {length} lines, {FUNCTION_LINES_MAX} allowed: "
                "give a step of it a name and make that a function",
            )


def parameters(file: SourceFile) -> Findings:
    """Of functions and of dataclass-free constructors; Typer commands and tests aside."""
    if file.in_tests:
        return
    for function in _functions(file.tree):
        arguments = function.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        names = [name for name in names if name not in ("self", "cls")]
        count = len(names) + len(arguments.kwonlyargs)
        if count > PARAMETERS_MAX and not _is_typer_command(function):
            yield (
                function.lineno,
                f"{function.name} has {count} parameters, {PARAMETERS_MAX} allowed: "
                "those that travel together are a frozen dataclass",
            )


def line_length(file: SourceFile) -> Findings:
    """The formatter leaves long texts and comments alone; a reader's window does not."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if len(line) > LINE_LENGTH_MAX:
            yield number, f"{len(line)} characters, {LINE_LENGTH_MAX} allowed: break the line"


def package_file(file: SourceFile) -> Findings:
    """A re-export loads modules that no import contract sees."""
    if file.path.name != "__init__.py":
        return
    if [type(node) for node in file.tree.body] != [ast.Expr] or not ast.get_docstring(file.tree):
        yield 1, "holds more or less than a docstring: import from the module that defines a name"


def docstrings(file: SourceFile) -> Findings:
    """Of modules, and of what a reader of a member's code meets first: its public names."""
    tree = file.tree
    if not ast.get_docstring(tree):
        yield 1, "the module has no docstring: say in a line what it is for"
    if file.in_tests:
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield (
                node.lineno,
                f"{node.name} has no docstring: say what its signature cannot "
                "(unit, shape, who calls it, may it block, what it raises)",
            )


def left_overs(file: SourceFile) -> Findings:
    """Work that is planned belongs in an issue, where somebody looks for it."""
    words = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"))
    for number, line in enumerate(file.text.splitlines(), start=1):
        if found := re.search(rf"\b({words})\b", line):
            yield number, f"{found.group(1)}: do it now, or open an issue and remove the mark"
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node):
            yield node.lineno, "NotImplementedError: build it, or leave the name out until it is"


def waiting(file: SourceFile) -> Findings:
    """A test that sleeps is slow on a fast machine and wrong on a busy one."""
    if not file.in_tests:
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep":
            yield node.lineno, "time.sleep: wait for the condition itself, with a deadline"


def skipping(file: SourceFile) -> Findings:
    """What is not run is not known to work."""
    if not file.in_tests:
        return
    marks = ("pytest.skip", "pytest.xfail", "pytest.importorskip", "pytest.mark.skip")
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name in (*marks, "pytest.mark.skipif", "pytest.mark.xfail"):
                yield node.lineno, f"{name}: make what it needs, or remove the test"


RULES: tuple[Rule, ...] = (
    file_name,
    module_length,
    function_length,
    parameters,
    line_length,
    package_file,
    docstrings,
    left_overs,
    waiting,
    skipping,
)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _is_typer_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (each.func for each in function.decorator_list if isinstance(each, ast.Call))
    names = (call.attr for call in calls if isinstance(call, ast.Attribute))
    return any(name in ("command", "callback") for name in names)
