"""Bacen's side of a set, brought here: its log, folded and proven, or a file of all its CIDs."""

import asyncio
import hashlib
from binascii import unhexlify
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import numpy as np

from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import DictError, InputRefused
from vsync.application.bacen import EVENTS_MAX, Bacen, CidFile
from vsync.application.prove_sync import SyncPolicy, call_context
from vsync.application.sync_ports import Findings, OrderedFile, RunStore
from vsync.application.sync_process import FetchedFile, FetchedLog, FetchStep, RunRef
from vsync.domain.cid import CID_BYTES
from vsync.domain.cid_events import CidLog, LogInconsistent
from vsync.domain.cid_sets import Cids

LOG_READS_MAX = 2
LOG_TOO_LONG = "cid-log-too-long"
LOG_PAGES_MAX = 100
"""Twenty thousand events: beyond that a file is cheaper than the log's bucket."""
AVAILABLE, ERROR = "AVAILABLE", "ERROR"
LINE_BYTES = 2 * CID_BYTES + 1
LINES_AT_ONCE = 16_384
_NEWLINE = 0x0A

Alive = Callable[[], None]
"""Tells the engine that a long step goes on."""
Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""


class FileInvalid(DictError):
    """A file that is not what DICT says of it: nothing of it is applied."""

    def __init__(self, detail: str) -> None:
        super().__init__("cid-file-invalid", detail)


class FileContentInvalid(FileInvalid):
    """What DICT has made is no file of CIDs: to fetch it again brings the same bytes."""


class FilePending(DictError):
    """A file that DICT has not made within our own deadline, or never will."""

    def __init__(self, status: str) -> None:
        super().__init__("cid-file-not-made", f"DICT leaves the file {status[:20]}")


class BudgetSpent(InputRefused):
    """All files of the day are ordered, or belong to sets that were proven longer ago."""

    def __init__(self) -> None:
        super().__init__(
            "cid-files-spent",
            "no file is left of those that all sets share within 24 hours: run INCREMENTAL, or "
            "again later",
        )


class FetchBacen:
    """Raises DirectoryRefused, DirectoryUnreachable, AnswerInvalid, LogInconsistent, FileInvalid,
    FilePending, BudgetSpent, Unavailable."""

    def __init__(
        self,
        bacen: Bacen,
        stores: tuple[RunStore, Findings],
        policy: SyncPolicy,
        clock: Clock,
        pause: Pause,
    ) -> None:
        self._bacen = bacen
        self._runs, self._findings = stores
        self._policy = policy
        self._clock = clock
        self._pause = pause

    async def log(self, step: FetchStep, alive: Alive) -> FetchedLog:
        """The set's log, page by page, folded and kept. One that contradicts itself twice cannot
        be used: whoever asked has the file."""
        for _ in range(LOG_READS_MAX):
            try:
                return await self._log(step, alive)
            except LogInconsistent as error:
                reason = error.reason_code
        return FetchedLog(0, reason)

    async def _log(self, step: FetchStep, alive: Alive) -> FetchedLog:
        run, log, pages = step.run, CidLog(), 0
        since, more = step.since, True
        while more and pages < LOG_PAGES_MAX:
            pages += 1
            context = call_context(run, "ListCidEvents", f"{step.rung}.{pages}")
            page = await self._bacen.events(run.set, since, EVENTS_MAX, context)
            more = log.add(page)
            since = log.until or since
            alive()
        if not more:
            await self._findings.keep_log(run.run_id, step.rung, log)
        if more or log.vsync is None:
            return FetchedLog(log.count, LOG_TOO_LONG)
        return FetchedLog(log.count, vsync=log.vsync.hex())

    async def file(self, run: RunRef, alive: Alive) -> FetchedFile:
        """A file of the set, ordered once, awaited, brought here and checked."""
        ordered = await self._runs.file_of(run.run_id)
        if ordered is None:
            if not await self._runs.file_granted(run, self._policy.files_a_day):
                raise BudgetSpent
            context = call_context(run, "RequestCidFile", 1)
            file_id = (await self._bacen.request_file(run.set, context)).id
            ordered = OrderedFile(file_id, self._clock.now())
            await self._runs.file_ordered(run, ordered.file_id, ordered.at)
        fetched = _fetched(await self._made(run, ordered, alive))
        await self.content(run, fetched, alive)
        return fetched

    async def content(self, run: RunRef, file: FetchedFile, alive: Alive) -> Path:
        """The file's bytes on this machine, checked; brought here anew where they are not.

        Whoever compares may be another worker than the one that fetched.
        """
        path = self._policy.work_dir / f"{run.run_id}.file"
        if not (path.exists() and path.stat().st_size == file.bytes):
            await self._download(run, file, path, alive)
        if await asyncio.to_thread(_sha256, path) != file.sha256:
            path.unlink()
            raise FileInvalid("its sha256 is not the one that DICT says")
        return path

    def forget(self, run: RunRef) -> None:
        """The file is not needed any more."""
        with suppress(FileNotFoundError):
            (self._policy.work_dir / f"{run.run_id}.file").unlink()

    async def _made(self, run: RunRef, ordered: OrderedFile, alive: Alive) -> CidFile:
        """The deadline counts from the order, whatever attempt looks."""
        until, looks = ordered.at + self._policy.file_deadline, 0
        while True:
            looks += 1
            context = call_context(run, "GetCidFile", looks)
            file = await self._bacen.file(ordered.file_id, run.participant, context)
            if file.status == AVAILABLE:
                return file
            if file.status == ERROR or self._clock.now() >= until:
                raise FilePending(file.status)
            alive()
            await self._pause(self._policy.file_poll.total_seconds())

    async def _download(self, run: RunRef, file: FetchedFile, path: Path, alive: Alive) -> None:
        with _whole(path) as target:
            await self._write(run, file, target, alive)

    async def _write(self, run: RunRef, file: FetchedFile, target: IO[bytes], alive: Alive) -> None:
        context = call_context(run, "DownloadCidFile", 1)
        written = 0
        async for piece in self._bacen.download(file.file_id, run.participant, context):
            written += len(piece)
            if written > file.bytes:
                raise FileInvalid(f"it has more than the {file.bytes} bytes that DICT says")
            target.write(piece)
            alive()
        if written != file.bytes:
            raise FileInvalid(f"it has {written} bytes, DICT says {file.bytes}")


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there when all of it was written. An attempt that was given up may still be
    writing: each has its own."""
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            yield part
            part.flush()
            Path(part.name).replace(path)
        finally:
            Path(part.name).unlink(missing_ok=True)


def cids_of(path: Path) -> Iterator[Cids]:
    """The CIDs of a file, in pieces. Raises FileContentInvalid where a line is none."""
    line = 0
    with path.open("rb") as source:
        while piece := source.read(LINE_BYTES * LINES_AT_ONCE):
            if len(piece) % LINE_BYTES == LINE_BYTES - 1 and not source.read(1):
                piece += b"\n"  # the last line need not end with one
            if len(piece) % LINE_BYTES:
                raise FileContentInvalid(
                    f"it ends within line {line + len(piece) // LINE_BYTES + 1}"
                )
            lines = np.frombuffer(piece, np.uint8).reshape(-1, LINE_BYTES)
            where = f"between lines {line + 1} and {line + len(lines)}"
            wrong = FileContentInvalid(f"{where} is no CID")
            if not (lines[:, -1] == _NEWLINE).all():
                raise wrong
            try:
                cids = unhexlify(lines[:, :-1].tobytes())
            except ValueError:
                raise wrong from None
            line += len(lines)
            yield np.frombuffer(cids, np.uint8).reshape(-1, CID_BYTES)


def _fetched(file: CidFile) -> FetchedFile:
    if file.creation_time is None or file.bytes is None or file.sha256 is None:
        raise FileInvalid("DICT calls it AVAILABLE without its time, size or sha256")
    sha256 = file.sha256.lower()
    return FetchedFile(file.id, file.creation_time, file.bytes, sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
