"""What a demo story is; `devstack.storybook` finds them.

A story is a module in `devstack/stories`, told in the order of the file names (`s1_…`, `s2_…`):

    TITLE = "A portability that the donor confirms"

    def run(context: StoryContext) -> None: ...
    def begin(context: StoryContext) -> None: ...   # optional: before the first story is told

`run` tells the story through commands on topics and queries, as Core and operators would, and
raises StoryFailed as soon as anything is not as it should be.
"""

from dataclasses import dataclass, field

from rich.console import Console

from devstack.failures import StackFailure
from devstack.stack import Stack

DAY_SECONDS = 2
"""A claim's day in the demo: DICT is asked every half second, and 30 days are one minute."""


class StoryFailed(StackFailure):
    """What the story promised did not happen; the message says what was seen instead."""


@dataclass(frozen=True)
class StoryContext:
    """What a story gets: a stack that is up, and where to tell what happens."""

    stack: Stack
    console: Console
    notes: dict[str, str] = field(default_factory=dict)
    """What a story's `begin` leaves for its `run`, under the story's title."""
