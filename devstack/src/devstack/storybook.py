"""Finds the demo's stories."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from devstack import stories
from devstack.failures import StackFailure
from devstack.story import StoryContext


@dataclass(frozen=True)
class Story:
    """One story, loaded."""

    name: str  # of its module
    title: str
    run: Callable[[StoryContext], None]
    begin: Callable[[StoryContext], None] | None = None


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
        begin = getattr(module, "begin", None)
        found.append(Story(module_info.name, title, run, begin))
    return tuple(found)
