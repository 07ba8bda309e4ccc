"""Bacen's fake passes the exam of the adapter, and fails as a test chooses."""

from datetime import timedelta

import pytest

from dict_common.ports.directory import CallContext, DirectoryRefused, DirectoryUnreachable
from dict_common.testing.clock import CountingIds, FixedClock
from tests.support.bacen_fakes import FileTrouble, InMemoryBacen
from tests.support.bacen_suite import (
    MINUTE,
    PARTICIPANT,
    PHONES,
    BacenSuite,
    call,
    downloaded,
    papers,
)
from vsync.application.bacen import Bacen
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid import EMPTY_VSYNC


class TestInMemoryBacen(BacenSuite):
    """The fake."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._clock = FixedClock()
        self._bacen = InMemoryBacen(self._clock, CountingIds())

    async def bacen(self) -> Bacen:
        """The fake."""
        return self._bacen

    async def add(self, entry: EntryPapers) -> None:
        """At once."""
        self._bacen.add(entry)

    async def remove(self, entry: EntryPapers) -> None:
        """At once."""
        self._bacen.remove(entry)

    def wait(self, seconds: float) -> None:
        """The clock stands otherwise."""
        self._clock.move(timedelta(seconds=seconds))

    async def _made(self, trouble: FileTrouble) -> str:
        self._bacen.trouble = trouble
        self._bacen.add(papers(1), papers(2), papers(3))
        ordered = await self._bacen.request_file(PHONES, call())
        self.wait(MINUTE)
        return ordered.id

    async def test_the_log_lags_and_the_verification_does_not(self) -> None:
        self._bacen.lag = timedelta(seconds=5)
        self._bacen.add(papers(1))
        assert not (await self._bacen.events(PHONES, None, 200, call())).events
        assert not await self._bacen.verify(PHONES, EMPTY_VSYNC, call())
        self.wait(5)
        assert (await self._bacen.events(PHONES, None, 200, call())).events

    async def test_files_fail_as_chosen(self) -> None:
        file_id = await self._made(FileTrouble(ends="ERROR"))
        assert (await self._bacen.file(file_id, PARTICIPANT, call())).status == "ERROR"

    async def test_an_available_file_may_be_gone(self) -> None:
        file_id = await self._made(FileTrouble(gone=True))
        assert (await self._bacen.file(file_id, PARTICIPANT, call())).status == "AVAILABLE"
        with pytest.raises(DirectoryRefused, match="NotFound"):
            await downloaded(self._bacen, file_id)

    async def test_a_download_breaks_in_the_middle(self) -> None:
        file_id = await self._made(FileTrouble(cut_after_bytes=150))
        await self._bacen.file(file_id, PARTICIPANT, call())
        pieces: list[bytes] = []

        async def read() -> None:
            async for piece in self._bacen.download(file_id, PARTICIPANT, call()):
                pieces.append(piece)  # noqa: PERF401 - what came before the end counts

        with pytest.raises(DirectoryUnreachable):
            await read()
        assert len(b"".join(pieces)) == 150

    async def test_a_file_may_hold_what_its_digest_denies(self) -> None:
        file_id = await self._made(FileTrouble(content=b"\n"))
        await self._bacen.file(file_id, PARTICIPANT, call())
        assert await downloaded(self._bacen, file_id) == b"\n"

    async def test_an_update_is_a_removal_and_an_addition(self) -> None:
        one = papers(1)
        self._bacen.add(one)
        after = self._bacen.update(one, branch="0002")
        assert after.request_id == one.request_id
        assert self._bacen.vsync(PHONES) == after.cid
        page = await self._bacen.events(PHONES, None, 200, call())
        assert [it.type for it in page.events] == ["ADDED", "REMOVED", "ADDED"]

    async def test_the_script_is_asked_before_every_call(self) -> None:
        def away(operation: str, context: CallContext) -> None:
            raise DirectoryUnreachable("bridge-unreachable", operation)

        self._bacen.script = away
        with pytest.raises(DirectoryUnreachable, match="RequestCidFile"):
            await self._bacen.request_file(PHONES, call("a"))
        self._bacen.script = lambda _operation, _context: None
        await self._bacen.request_file(PHONES, call("a"))
        assert self._bacen.calls == [("RequestCidFile", "a"), ("RequestCidFile", "a")]
