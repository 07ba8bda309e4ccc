"""Waits for the runs that a command has started."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from vsync.application.run_sync import RUN_SUBSCRIPTION
from vsync.application.sync_console import Row, SyncReader, WantedRuns
from vsync.application.sync_process import number_of

RUNS_MAX = 1_000
_STARTED, _REJECTED = "started", "rejected"


class AwaitRuns:
    """`pause` waits between two looks, `tell` says once what is waited for."""

    def __init__(
        self, reader: SyncReader, pause: Callable[[], Awaitable[None]], tell: Callable[[str], None]
    ) -> None:
        self._reader = reader
        self._pause = pause
        self._tell = tell
        self._told = ""

    async def __call__(self, command_id: UUID) -> list[Row]:
        """Whole runs, ended. Raises InputRefused where the command was, Unavailable."""
        expected = await self._started(command_id)
        wanted = WantedRuns(number=number_of(command_id), of_sets=False)
        while True:
            runs = await self._reader.runs(wanted, RUNS_MAX)
            ended = [run for run in runs if run["ended_at"] is not None]
            if len(ended) >= expected:
                return ended
            self._say(f"{len(ended)} of {expected} runs have ended")
            await self._pause()

    async def _started(self, command_id: UUID) -> int:
        while True:
            row = await self._reader.command(RUN_SUBSCRIPTION, command_id)
            if row is not None and row["outcome"] is not None:
                word, _, rest = str(row["outcome"]).partition(":")
                if word == _REJECTED:
                    raise InputRefused(rest, row["detail"] or "the audit will say why")
                if word == _STARTED:
                    return int(rest)
            self._say("not taken yet: does vsync's consumer run?")
            await self._pause()

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._tell(text)
