"""What the use cases of a run ask for. Every call may block for the database, and raises
Unavailable when it is away."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.ports.outgoing import OutgoingEvent
from vsync.application.ports import Decide
from vsync.application.sync_process import Compared, RunEnd, RunRef, VSyncResult
from vsync.domain.cid_events import CidLog
from vsync.domain.cid_sets import Reading
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import EntrySet
from vsync.domain.sync_run import Rung


@dataclass(frozen=True)
class LocalVSync:
    """A set as it is, in one snapshot. `fold_differed`: what was folded change by change was not
    the same, and has been put right."""

    vsync: bytes
    keys: int
    at: datetime
    fold_differed: bool


@dataclass(frozen=True)
class Finding:
    """A CID of one side alone, and what is known of the key behind it. `entry_id`: ours; of a
    remote one the entry that has the same key here, active or in review."""

    cid: bytes
    remote: bool
    dict_at: datetime | None
    key_hash: str | None = None
    entry_id: UUID | None = None
    seen_at: datetime | None = None
    reason_code: str | None = None


@dataclass(frozen=True)
class Said:
    """What DICT said of a CID at `seen_at`: the key behind it, or (None) that there is none."""

    seen_at: datetime
    key_hash: str | None = None
    sealed: bytes | None = None
    reason_code: str | None = None
    """Why DICT does not show it."""


@dataclass(frozen=True)
class Twin:
    """An active entry of ours that has the key of a remote finding."""

    entry_id: UUID
    cid: bytes
    key_hash: str


@dataclass(frozen=True)
class FoundDiscrepancy:
    """A row of vsync.discrepancies. `number` counts those of a rung, from 1. Both versions are
    sealed, and are there where it is read to be settled: a hundred thousand of them are no list."""

    number: int
    type: DiscrepancyType
    entry_id: UUID
    key_hash: str | None
    local_cid: bytes | None
    remote_cid: bytes | None
    dict_at: datetime | None
    seen_at: datetime | None
    local_sealed: bytes | None = None
    remote_sealed: bytes | None = None
    reason_code: str | None = None
    """It cannot be repaired, for this reason."""
    stands_at: datetime | None = None
    """When the state of the entry was DICT's that stood as the discrepancy was read."""


@dataclass(frozen=True)
class OrderedFile:
    """A file that DICT makes for a run, since `at`."""

    file_id: str
    at: datetime


class RunStore(Protocol):
    """Runs, their proofs and reports."""

    async def proven_before(self, run: RunRef) -> datetime | None:
        """When the set's VSync was computed that DICT last called OK, in another run."""

    async def start(
        self, run: RunRef, since: datetime | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """The run's row with its first event, once; rows that a dead run of the set left staged
        are removed."""

    async def local_vsync(self, of: EntrySet) -> LocalVSync:
        """Computed anew from all active CIDs of the set."""

    async def verified(
        self, run_id: UUID, local: LocalVSync, ok: bool, proven_at: datetime | None
    ) -> None:
        """DICT's word, with what it was given on; the set is proven as of `proven_at`, if it is."""

    async def file_granted(self, run: RunRef, files_a_day: int) -> bool:
        """Whether the run may order its file now, which is counted from here on: all sets share so
        many within 24 hours, and those that were proven longest ago come first."""

    async def file_ordered(self, run: RunRef, file_id: str, at: datetime) -> None:
        """What DICT has called the file of an order that was granted."""

    async def file_of(self, run_id: UUID) -> OrderedFile | None:
        """The file that the run has ordered."""

    async def report(self, end: RunEnd, report_id: UUID) -> VSyncResult:
        """Writes the report of a run, once; answers it."""

    async def ended(
        self, end: RunEnd, result: VSyncResult, events: Sequence[OutgoingEvent]
    ) -> None:
        """The run's last state with its event, once; what was staged for it goes."""


class Findings(Protocol):
    """What a rung has found, from CIDs to discrepancies."""

    async def keep_log(self, run_id: UUID, rung: Rung, log: CidLog) -> None:
        """The folded log, in place of what an earlier attempt kept."""

    async def compare_log(
        self, run: RunRef, rung: Rung, settled_before: datetime, vsync: bytes | None
    ) -> Compared:
        """Findings from the kept log against the set as it is now."""

    def local_cids(self, of: EntrySet) -> AbstractAsyncContextManager[Reading]:
        """All active CIDs of a set in one snapshot, readable while the block lasts."""

    async def keep(
        self, run_id: UUID, rung: Rung, only_local: Iterable[bytes], only_remote: Iterable[bytes]
    ) -> None:
        """Findings of a compared file, in place of what an earlier attempt kept."""

    async def drop_moved(self, run_id: UUID, rung: Rung) -> int:
        """Forgets findings whose CID the kept log names; answers how many."""

    async def unread(self, run_id: UUID, rung: Rung, limit: int) -> list[bytes]:
        """CIDs of DICT whose entries were not read yet."""

    async def read(self, run_id: UUID, rung: Rung, cid: bytes, said: Said) -> None:
        """What DICT said of a CID."""

    async def found(self, run: RunRef, rung: Rung) -> list[Finding]:
        """All findings, DICT's first."""

    async def twins(self, run: RunRef, rung: Rung) -> list[Twin]:
        """Active entries that have the keys of remote findings."""

    async def classified(
        self,
        run: RunRef,
        rung: Rung,
        found: Sequence[FoundDiscrepancy],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """The rung's discrepancies with the event that tells of them, once. Both versions are
        taken from the entry and from what DICT said."""

    async def counts(self, run_id: UUID, rung: Rung) -> dict[DiscrepancyType, int]:
        """Discrepancies by type; empty where none were classified (yet)."""


class Corrections(Protocol):
    """Repairs: one transaction for each discrepancy."""

    def open(
        self, run_id: UUID, rung: Rung, of: DiscrepancyType
    ) -> AsyncIterator[Sequence[FoundDiscrepancy]]:
        """Those that are not settled, in their order, in batches."""

    async def correct(
        self,
        run_id: UUID,
        rung: Rung,
        item: FoundDiscrepancy,
        key_hash: str | None,
        decide: Decide,
    ) -> str:
        """Entry, CID, history, fold, review, events and the discrepancy's state in one
        transaction, by what `decide` makes of the entry as it is; answers the state: the outcome
        of `decide`, GONE where another entry has the CID by now, or what it was settled to
        before."""

    async def settled(
        self, run_id: UUID, rung: Rung, number: int, state: str, reason_code: str | None
    ) -> None:
        """Without a change of the entry: GONE, or FAILED with its reason: the next run finds it
        again."""
