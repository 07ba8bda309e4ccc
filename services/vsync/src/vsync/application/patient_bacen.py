"""DICT's buckets: who meets a dry one waits, and all who ask the same for the same participant
wait with it. Each participant has buckets of its own.

A refused call costs a token too, so none is sent before the bucket has one again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from dict_common.kernel.clock import Clock
from dict_common.ports.directory import CallContext, DirectoryRefused
from vsync.application.bacen import RATE_LIMITED, Bacen, BacenEntry, CidFile
from vsync.application.entry_papers import EntryPapers
from vsync.application.fetch_bacen import Alive, Pause
from vsync.domain.cid_events import LogPage
from vsync.domain.entry import EntrySet

_Answer = TypeVar("_Answer")
_Bucket = tuple[str, str]
"""What is asked, and whose bucket it costs."""

WAIT_SECONDS, WAIT_SECONDS_MAX = 10.0, 300.0
"""Where DICT does not say how long, and where it says too much."""
SLICE_SECONDS = 30.0
"""Between two signs of life."""


class PatientBacen:
    """Bacen, for steps that may take hours: 429 is no answer to them. Raises what Bacen raises."""

    def __init__(self, bacen: Bacen, clock: Clock, pause: Pause, beat: Alive) -> None:
        """`beat`: tells the engine that a step goes on; outside of one it does nothing."""
        self._bacen = bacen
        self._clock = clock
        self._pause = pause
        self._beat = beat
        self._not_before: dict[_Bucket, datetime] = {}

    async def verify(self, of: EntrySet, vsync: bytes, context: CallContext) -> bool:
        """Once there is a token. It is a question about now: who waited asks with an old VSync, and
        asks again where DICT says NOK."""
        return await self._asked(
            ("verify", of.participant), lambda: self._bacen.verify(of, vsync, context)
        )

    async def request_file(self, of: EntrySet, context: CallContext) -> CidFile:
        """Once there is a token."""
        return await self._asked(
            ("request_file", of.participant), lambda: self._bacen.request_file(of, context)
        )

    async def file(self, file_id: str, participant: str, context: CallContext) -> CidFile:
        """Once there is a token."""
        return await self._asked(
            ("file", participant), lambda: self._bacen.file(file_id, participant, context)
        )

    def download(
        self, file_id: str, participant: str, context: CallContext
    ) -> AsyncIterator[bytes]:
        """Costs none."""
        return self._bacen.download(file_id, participant, context)

    async def events(
        self, of: EntrySet, since: datetime | None, limit: int, context: CallContext
    ) -> LogPage:
        """Once there is a token."""
        return await self._asked(
            ("events", of.participant), lambda: self._bacen.events(of, since, limit, context)
        )

    async def entry_by_cid(
        self, cid: bytes, participant: str, context: CallContext
    ) -> BacenEntry | None:
        """Once there is a token."""
        return await self._asked(
            ("entry_by_cid", participant),
            lambda: self._bacen.entry_by_cid(cid, participant, context),
        )

    async def create_entry(self, papers: EntryPapers, context: CallContext) -> datetime:
        """Once there is a token."""
        return await self._asked(
            ("create_entry", papers.attributes.participant),
            lambda: self._bacen.create_entry(papers, context),
        )

    async def _asked(self, bucket: _Bucket, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        while True:
            await self._turn(bucket)
            try:
                return await ask()
            except DirectoryRefused as error:
                if error.http_status != RATE_LIMITED:
                    raise
                self._refused(bucket, error)

    async def _turn(self, bucket: _Bucket) -> None:
        """Waits until the bucket may have a token again."""
        while (until := self._not_before.get(bucket)) is not None:
            left = (until - self._clock.now()).total_seconds()
            if left <= 0:
                return
            self._beat()
            await self._pause(min(left, SLICE_SECONDS))

    def _refused(self, bucket: _Bucket, error: DirectoryRefused) -> None:
        told = error.retry_after_seconds or WAIT_SECONDS
        until = self._clock.now() + timedelta(seconds=min(told, WAIT_SECONDS_MAX))
        self._not_before[bucket] = max(until, self._not_before.get(bucket, until))
