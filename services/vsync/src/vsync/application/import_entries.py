"""A base of entries becomes ours: chunk by chunk, whatever is killed, and nothing newer is lost."""

import asyncio
from collections import Counter, deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.intake.events import CausedBy, OperatorActed, only_event
from dict_common.kernel.errors import InputRefused
from dict_common.ports.outgoing import EventComposer, OutgoingEvent
from dict_common.ports.sealing import SubjectKeyStore
from vsync.application.import_rows import Chunk, Fault, RawRow, ReadyChunk, ReadyRow, chunks
from vsync.application.telling import SOURCE
from vsync.domain.entry import Entry, EntrySet, Told
from vsync.domain.imports import NOTHING, Counted, imported, outcome_of, report_as_of
from vsync.domain.precedence import Verdict

VERB = "ENTRIES_IMPORT"
CHUNK_ROWS = 2_000
"""One transaction. Each entry of it is locked, and PostgreSQL holds some thousand locks in all."""
FAULTS_MAX = 100_000
"""A file with more is the wrong file, or has the wrong columns."""
CID_KNOWN = "cid-already-known"


class RowsFile(Protocol):
    """A file of entries. Blocks for the disk; raises InputRefused `file-invalid`, OSError."""

    @property
    def sha256(self) -> str:
        """Of all its bytes, 64 hexadecimal digits."""

    def rows(self) -> Iterator[RawRow]:
        """Every row, always in the same order."""

    def require_unchanged(self) -> None:
        """Raises InputRefused `file-changed` where it is not the file that was hashed."""


@dataclass(frozen=True)
class ImportOrder:
    """What an operator asks for. `reason` and `operator` are kept for ever and in clear."""

    as_of: datetime
    operator: str
    reason: str
    acted_at: datetime


@dataclass(frozen=True)
class Begun:
    """An import as it stands. `done`: the chunks that are in the base already."""

    import_id: UUID
    chunk_rows: int
    done: frozenset[int] = frozenset()
    counted: Counted = NOTHING
    faults: Sequence[Fault] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Judged:
    """What a chunk makes of the entries as they are."""

    stand: Sequence[tuple[ReadyRow, Entry]]
    """Rows whose content stands from now on, with the entry; each entry and CID once."""
    numbered: Sequence[Entry]
    """Entries of which a number changes, and nothing else."""
    outcomes: Mapping[int, str]
    """Line to its field of Counted."""
    faults: Sequence[Fault]

    def without(self, taken: Iterable[int]) -> "Judged":
        """The same, but for rows whose CID another entry has in the base."""
        lines = frozenset(taken)
        return replace(
            self,
            stand=[it for it in self.stand if it[0].line not in lines],
            outcomes={**self.outcomes, **dict.fromkeys(lines, "bad")},
            faults=[*self.faults, *(Fault(it, "entry_id", CID_KNOWN) for it in sorted(lines))],
        )

    @property
    def counted(self) -> Counted:
        """Its rows."""
        fields = list(self.outcomes.values())
        return Counted(**{name: fields.count(name) for name in set(fields)})


Judge = Callable[[Mapping[UUID, Entry]], Judged]
Ending = Callable[[Counted], Awaitable[Sequence[OutgoingEvent]]]
"""Given all rows of the import, the events to be written with its end."""


@dataclass(frozen=True)
class ImportedChunk:
    """A chunk as it is written. `subjects`: of the chunk's persons, in their order."""

    ready: ReadyChunk
    subjects: Sequence[UUID]
    as_of: datetime
    judge: Judge


class ImportStore(Protocol):
    """The base, and how far an import is. Blocks for the database; raises Unavailable."""

    async def begin(self, file_sha256: str, as_of: datetime, chunk_rows: int) -> Begun:
        """A new import; one that did not come to its end; or, where a file of which every row was
        good is imported again, that one, with its end. Raises ImportRuns."""

    async def write(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        """Entries, CIDs, history, fold, links and the chunk's own row in one transaction, and with
        `ending` the import's end and its events. Nobody else changes these entries meanwhile."""

    async def look(self, chunk: ImportedChunk) -> tuple[Counted, Sequence[Fault]]:
        """What `write` would do now. Changes nothing."""


class ImportRuns(InputRefused):
    """Another import has not ended: one at a time."""

    def __init__(self) -> None:
        super().__init__("import-runs", "another import is running: wait for its end")


Prepare = Callable[[Chunk], Awaitable[ReadyChunk]]
"""PrepareRows, wherever it runs: called, it is on its way."""
Progress = Callable[[Counted], None]


@dataclass(frozen=True)
class Imported:
    """How an import ended. `before`: when the same file had been imported, and nothing was done."""

    import_id: UUID | None
    file_sha256: str
    counted: Counted
    faults: Sequence[Fault]
    before: datetime | None = None


class ImportEntries:
    """The use case. `ahead_max`: chunks that are prepared before they are asked for."""

    def __init__(
        self,
        store: ImportStore,
        prepare: Prepare,
        subjects: SubjectKeyStore,
        composer: EventComposer,
        ahead_max: int,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._store = store
        self._prepare = prepare
        self._subjects = subjects
        self._composer = composer
        self._ahead_max = ahead_max
        self._chunk_rows = chunk_rows

    async def __call__(self, file: RowsFile, order: ImportOrder, progress: Progress) -> Imported:
        """Imports the file, or the rest of it. Called again after its end, it changes nothing.

        Raises Unavailable, ImportRuns, and InputRefused for the file as a whole; whatever was
        written by then stays, and the next call goes on.
        """
        begun = await self._store.begin(file.sha256, order.as_of, self._chunk_rows)
        if begun.ended_at is not None:
            return Imported(begun.import_id, file.sha256, begun.counted, (), begun.ended_at)
        counted, faults = begun.counted, list(begun.faults)
        wanted = (it for it in chunks(file.rows(), begun.chunk_rows) if it.number not in begun.done)

        async def ending(total: Counted) -> Sequence[OutgoingEvent]:
            file.require_unchanged()
            return await self._acted(begun.import_id, file.sha256, order, total)

        async for ready in self._ready(wanted):
            subjects = await self._subjects.subjects_of(ready.persons)
            chunk = ImportedChunk(ready, subjects, order.as_of, judging(ready, order.as_of))
            new, broken = await self._store.write(begun, chunk, ending if ready.last else None)
            counted += new
            faults += broken
            progress(counted)
            if not ready.last:
                _require_few(faults)
        return Imported(begun.import_id, file.sha256, counted, faults)

    async def look(self, file: RowsFile, as_of: datetime, progress: Progress) -> Imported:
        """What a call would do to the base as it is. Changes nothing, and tells nothing.

        An entry that stands in two chunks is counted in both.
        """
        counted, faults = NOTHING, list[Fault]()
        async for ready in self._ready(chunks(file.rows(), self._chunk_rows)):
            chunk = ImportedChunk(ready, (), as_of, judging(ready, as_of))
            new, broken = await self._store.look(chunk)
            counted += new
            faults += broken
            progress(counted)
            _require_few(faults)
        file.require_unchanged()
        return Imported(None, file.sha256, counted, faults)

    async def _ready(self, wanted: Iterator[Chunk]) -> AsyncIterator[ReadyChunk]:
        """In order; while one is written, the next ones are prepared."""
        waiting: deque[asyncio.Future[ReadyChunk]] = deque()
        try:
            for chunk in wanted:
                waiting.append(asyncio.ensure_future(self._prepare(chunk)))
                if len(waiting) > self._ahead_max:
                    yield await waiting.popleft()
            while waiting:
                yield await waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()

    async def _acted(
        self, import_id: UUID, file_sha256: str, order: ImportOrder, total: Counted
    ) -> Sequence[OutgoingEvent]:
        event = OperatorActed(
            request_id=str(import_id),
            verb=VERB,
            target_type="import",
            target_id=str(import_id),
            operator=order.operator,
            reason=order.reason,
            outcome="imported",
            dry_run=False,
            acted_at=order.acted_at,
            file_sha256=file_sha256,
            as_of=order.as_of,
            rows=total.rows,
            rows_applied=total.applied,
            rows_bad=total.bad,
        )
        cause = CausedBy(SOURCE, import_id, None, None)
        return await self._composer.compose(
            only_event(event, "operator-action", import_id, order.acted_at, cause)
        )


def judging(ready: ReadyChunk, as_of: datetime) -> Judge:
    """What the chunk makes of entries, row after row, as if each had come alone."""
    report = report_as_of(as_of)

    def judge(entries: Mapping[UUID, Entry]) -> Judged:
        now: dict[UUID, Entry] = dict(entries)
        holders: dict[tuple[EntrySet, bytes], UUID] = {}
        stand: list[tuple[ReadyRow, Entry]] = []
        numbered: list[Entry] = []
        faults = list(ready.faults)
        outcomes = {it.line: "bad" for it in faults}
        for row in ready.rows:
            step = imported(now.get(row.entry_id), row.entry_id, Told(report, row.set, row.cid))
            outcomes[row.line] = outcome_of(step)
            if step.entry is None:
                continue
            if step.verdict is Verdict.OVERTAKEN:
                numbered.append(step.entry)
            elif holders.setdefault((row.set, row.cid), row.entry_id) != row.entry_id:
                outcomes[row.line] = "bad"
                faults.append(Fault(row.line, "entry_id", CID_KNOWN))
                continue
            else:
                stand.append((row, step.entry))
            now[row.entry_id] = step.entry
        return Judged(stand, numbered, outcomes, faults)

    return judge


def _require_few(faults: Sequence[Fault]) -> None:
    if len(faults) > FAULTS_MAX:
        (often, _), *_ = Counter((it.column or "row", it.rule) for it in faults).most_common(1)
        raise InputRefused(
            "faults-too-many",
            f"more than {FAULTS_MAX} rules are broken by line {faults[-1].line}, most often "
            f"{': '.join(often)}; is this the right file, with the right columns?",
        )
