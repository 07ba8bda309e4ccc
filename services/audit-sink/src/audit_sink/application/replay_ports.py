"""What the replayer asks for. Every method may block and raises Unavailable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from audit_sink.application.replay_piece import Step
from audit_sink.domain.positions import Position, Published, Span
from dict_common.kernel.errors import DictError


class TakenAway(DictError):
    """The run was paused or cancelled, or another replayer has it: nothing of a step is stored."""

    def __init__(self) -> None:
        super().__init__("replay-taken-away", "the run is not this process's any more")


@dataclass(frozen=True)
class Run:
    """A replay that this process holds. `planned`: its ends are fixed."""

    id: UUID
    holder: UUID
    topics: tuple[str, ...]
    published: Published
    sandbox: bool
    planned: bool


class ReplayRuns(Protocol):
    """connect.replays and the tables that a replay writes to, over one database."""

    async def claim(self, holder: UUID) -> Run | None:
        """The oldest run that nobody holds, held by `holder` for half a minute."""

    async def hold(self, run: Run, seconds: float, waits_for: str | None) -> None:
        """Half a minute more; `seconds` of work since the last time. Raises TakenAway."""

    async def release(self, run: Run) -> None:
        """Another may claim it at once."""

    async def plan(self, run: Run, spans: Sequence[Span]) -> None:
        """Fixes what is read, makes the sandbox if there is to be one. Raises TakenAway."""

    async def open_spans(self, run: Run) -> list[Span]:
        """Those that are not done."""

    async def position(self, run: Run, span: Span) -> Position | None:
        """How far a span is."""

    async def apply(self, run: Run, step: Step) -> None:
        """Rows and checkpoint in one transaction. Raises RowRefused, TakenAway: nothing is stored.

        The second also where the span is not at `step.before` any more.
        """

    async def span_done(self, run: Run, span: Span) -> None:
        """It was read to its end. Raises TakenAway."""

    async def complete(self, run: Run) -> None:
        """If all spans are done, so is the run. Raises TakenAway."""

    async def drop_sandboxes(self) -> int:
        """Removes those that nobody needs any more; how many."""
