"""Fakes of vsync's ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.testing.inbox import InMemoryInbox
from vsync.application.ports import Decide, Papers
from vsync.domain.entry import Entry


@dataclass
class InMemoryEntries(InMemoryInbox):
    """EntryStore over one memory."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    papers: dict[UUID, Papers | None] = field(default_factory=dict)
    events: list[OutgoingEvent] = field(default_factory=list)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        if self.opened(command, f"rejected:{reason_code}"):
            self.events += events

    async def accept(self, command: InboxKey, entry_id: UUID, decide: Decide) -> bool:
        """All of it or nothing."""
        if not await self.first(command):
            return False
        written = await decide(self.entries.get(entry_id))
        entry = written.entry
        if entry is not None and entry.cid is not None and self._held_by_another(entry):
            self.undone(command)
            raise InputRefused("cid-already-known", "by another")
        if entry is not None:
            self.entries[entry_id] = entry
        if written.stands:
            self.papers[entry_id] = written.papers
        self.events += written.events
        await self.settle(command, written.outcome)
        return True

    def _held_by_another(self, entry: Entry) -> bool:
        return any(
            (it.set, it.cid) == (entry.set, entry.cid) and it.entry_id != entry.entry_id
            for it in self.entries.values()
        )
