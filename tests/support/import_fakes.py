"""Fakes for imports of a base."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from dict_common.kernel.ids import IdSource
from dict_common.ports.outgoing import OutgoingEvent
from vsync.application.import_entries import Begun, Ending, ImportedChunk, Judged
from vsync.application.import_rows import Fault
from vsync.domain.entry import Entry
from vsync.domain.imports import Counted


@dataclass
class InMemoryImports:
    """ImportStore over one memory, shared with whoever else writes `entries`."""

    new_id: IdSource
    entries: dict[UUID, Entry] = field(default_factory=dict)
    subjects: dict[UUID, UUID] = field(default_factory=dict)
    events: list[OutgoingEvent] = field(default_factory=list)
    _imports: dict[tuple[str, datetime], Begun] = field(default_factory=dict)

    async def begin(self, file_sha256: str, as_of: datetime, chunk_rows: int) -> Begun:
        """As the port says."""
        found = self._imports.get((file_sha256, as_of))
        if found is None or (found.ended_at is not None and found.counted.bad):
            found = Begun(self.new_id(), chunk_rows)
            self._imports[file_sha256, as_of] = found
        return found

    async def write(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        """All of it or nothing."""
        ((name, now),) = [it for it in self._imports.items() if it[1].import_id == begun.import_id]
        judged = self._judged(chunk)
        total = now.counted + judged.counted
        events = [] if ending is None else await ending(total)
        for row, entry in judged.stand:
            self.entries[row.entry_id] = entry
            self.subjects[row.entry_id] = chunk.subjects[row.person]
        self.entries |= {entry.entry_id: entry for entry in judged.numbered}
        self.events += events
        self._imports[name] = replace(
            now,
            done=now.done | {chunk.ready.number},
            counted=total,
            faults=[*now.faults, *judged.faults],
            ended_at=None if ending is None else datetime.now(UTC),
        )
        return judged.counted, judged.faults

    async def look(self, chunk: ImportedChunk) -> tuple[Counted, Sequence[Fault]]:
        """Nothing is written."""
        judged = self._judged(chunk)
        return judged.counted, judged.faults

    def _judged(self, chunk: ImportedChunk) -> Judged:
        judged = chunk.judge(self.entries)
        held = {(it.set, it.cid): it.entry_id for it in self.entries.values() if it.cid}
        return judged.without(
            row.line
            for row, _ in judged.stand
            if held.get((row.set, row.cid), row.entry_id) != row.entry_id
        )
