"""A run of VSYNC over one set, and what comes next in it: the ladder as one pure function.

A rung compares and repairs; DICT's verification says that a set is proven, or the VSync of its log
where something changes all the time. After a rung that found nothing it is asked once: a report may
have come meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType

VERIFY_TRIES_MAX = 3


class SyncType(StrEnum):
    """Seed 003."""

    INCREMENTAL = "INCREMENTAL"
    """Verifies first, then reads the event log, then the file."""
    FULL = "FULL"
    """Forces the file: one of forty a day."""


class SyncStatus(StrEnum):
    """Seed 003."""

    COMPLETED = "COMPLETED"
    """DICT has confirmed our VSync; or its log's own VSync has, but for changes of the last moments
    of a set that never stands still."""
    PARTIAL = "PARTIAL"
    """Something could not be repaired, or is not proven."""
    FAILED = "FAILED"
    """Critical: nothing could be verified or compared."""


class Rung(IntEnum):
    """What is compared, in the order of a run. The number names the rows that it leaves."""

    EVENTS = 1
    """The event log since the last proof."""
    FILE = 2
    """A file of all CIDs."""
    SETTLED = 4
    """The event log once more, where something in it was too young to be judged."""
    EVENTS_AFTER = 3
    """The event log since the file was made: what changed while it was made and compared."""


RUNGS: Mapping[SyncType, tuple[Rung, ...]] = MappingProxyType(
    {
        SyncType.INCREMENTAL: (Rung.EVENTS, Rung.SETTLED, Rung.FILE, Rung.EVENTS_AFTER),
        SyncType.FULL: (Rung.FILE, Rung.EVENTS_AFTER),
    }
)


class Move(StrEnum):
    """What a run does next."""

    VERIFY = "VERIFY"
    PAUSE = "PAUSE"
    """Wait, then verify again: a report may be on its way."""
    CLIMB = "CLIMB"
    """The next rung."""
    END = "END"


@dataclass(frozen=True)
class Ladder:
    """Where a run stands. `changed`: the last rung repaired something that DICT has not judged."""

    sync_type: SyncType
    climbed: int = 0
    tries: int = 0
    proven: bool = False
    changed: bool = False
    paused: bool = False

    @property
    def next_rung(self) -> Rung | None:
        """None when all are climbed."""
        rungs = RUNGS[self.sync_type]
        return rungs[self.climbed] if self.climbed < len(rungs) else None

    def next_move(self) -> Move:
        """The one table of the ladder."""
        if self.proven:
            return Move.END
        forced = self.sync_type is SyncType.FULL and self.climbed == 0
        tries_max = VERIFY_TRIES_MAX if self.climbed == 0 or self.changed else 1
        if not forced and self.tries < tries_max:
            return Move.VERIFY if self.tries == 0 or self.paused else Move.PAUSE
        return Move.END if self.next_rung is None else Move.CLIMB

    def verified(self, ok: bool) -> "Ladder":
        """After DICT's word."""
        return replace(self, proven=ok, tries=self.tries + 1, paused=False)

    def waited(self) -> "Ladder":
        """After a pause."""
        return replace(self, paused=True)

    def rung_done(self, changed: bool, unsettled: bool = False) -> "Ladder":
        """After a rung, which repaired something or did not. `unsettled`: it left something that
        was too young; without, there is nothing to look at once more."""
        climbed = self.climbed + 1
        rungs = RUNGS[self.sync_type]
        if climbed < len(rungs) and rungs[climbed] is Rung.SETTLED and not unsettled:
            climbed += 1
        return replace(self, climbed=climbed, tries=0, paused=False, changed=changed)


def joined(parts: Iterable[SyncStatus]) -> SyncStatus:
    """The status of a run that has parts."""
    known = set(parts)
    if len(known) == 1:
        return known.pop()
    return SyncStatus.PARTIAL
