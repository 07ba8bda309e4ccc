"""What a demo story is and how the stories are found.

A story is a module in `devstack/stories`, told in the order of the file names (`s1_…`, `s2_…`):

    TITLE = "A portability that the donor confirms"

    def run(context: StoryContext) -> None: ...

`run` tells the story through commands on topics and queries, as Core and operators would, and
raises StoryFailed as soon as anything is not as it should be.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from devstack import stories
from devstack.failures import StackFailure
from devstack.stack import Stack


class StoryFailed(StackFailure):
    """What the story promised did not happen; the message says what was seen instead."""


@dataclass(frozen=True)
class StoryContext:
    """What a story gets: a stack that is up, and where to tell what happens."""

    stack: Stack
    console: Console


@dataclass(frozen=True)
class Story:
    """One story, loaded."""

    name: str  # of its module
    title: str
    run: Callable[[StoryContext], None]


def load_stories() -> tuple[Story, ...]:
    """All stories, by file name. Raises StackFailure when a module lacks TITLE or run."""
    found: list[Story] = []
    for module_info in sorted(pkgutil.iter_modules(stories.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{stories.__name__}.{module_info.name}")
        title, run = getattr(module, "TITLE", None), getattr(module, "run", None)
        if not isinstance(title, str) or not callable(run):
            raise StackFailure(
                f"The story {module_info.name} must hold TITLE: str and run(context) -> None."
            )
        found.append(Story(module_info.name, title, run))
    return tuple(found)
