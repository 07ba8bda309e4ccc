"""Fakes of the ports of a run: runs, findings and corrections over one memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from dict_common.kernel.clock import Clock
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.entry_fakes import InMemoryEntries
from vsync.application.ports import Decide
from vsync.application.sync_ports import (
    Finding,
    FoundDiscrepancy,
    LocalVSync,
    OrderedFile,
    Said,
    Twin,
)
from vsync.application.sync_process import Compared, RunEnd, RunRef, VSyncResult
from vsync.domain.cid import CID_BYTES, toggled, vsync_of
from vsync.domain.cid_events import CidEvent, CidEventType, CidLog
from vsync.domain.cid_sets import Cids, Reading
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.sync_run import Rung

BATCH_ROWS = 3
DAY = timedelta(hours=24)
Staged = tuple[UUID, Rung]


@dataclass
class Run:
    """A row of workflows.vsync_workflows."""

    ref: RunRef
    last_ok_at: datetime | None
    version: int = 1
    verified_at: datetime | None = None
    end: RunEnd | None = None


@dataclass
class InMemoryRuns:
    """RunStore."""

    entries: InMemoryEntries
    clock: Clock
    runs: dict[UUID, Run] = field(default_factory=dict)
    reports: dict[UUID, VSyncResult] = field(default_factory=dict)
    files: dict[UUID, tuple[str | None, datetime]] = field(default_factory=dict)
    findings: "InMemoryFindings | None" = None
    requests: Callable[[UUID], int] = lambda _run_id: 0
    """What the ledger of calls knows of a run."""

    async def proven_before(self, run: RunRef) -> datetime | None:
        """By another run."""
        others = [
            it.verified_at
            for it in self.runs.values()
            if it.ref.run_id != run.run_id
            and (it.ref.participant, it.ref.key_type) == (run.participant, run.key_type)
        ]
        return max((at for at in others if at is not None), default=None)

    async def start(
        self, run: RunRef, since: datetime | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        del since
        if run.run_id in self.runs:
            return
        self.runs[run.run_id] = Run(run, await self.proven_before(run))
        self.entries.events += events
        if self.findings is not None:
            self.findings.drop_others(run)

    async def local_vsync(self, of: EntrySet) -> LocalVSync:
        """Of what stands."""
        cids = standing(self.entries, of)
        return LocalVSync(vsync_of(cids), len(cids), self.clock.now(), False)

    async def verified(
        self, run_id: UUID, local: LocalVSync, ok: bool, proven_at: datetime | None
    ) -> None:
        """DICT's word."""
        del local, ok
        if proven_at is not None:
            self.runs[run_id].verified_at = proven_at

    async def file_granted(self, run: RunRef, files_a_day: int) -> bool:
        """Those that were proven longest ago first."""
        if run.run_id in self.files:
            return True
        used = sum(at > self.clock.now() - DAY for _, at in self.files.values())
        own = self.runs[run.run_id].last_ok_at
        first = sum(
            self._older(it.last_ok_at, own)
            for it in self.runs.values()
            if it.end is None
            and it.verified_at is None
            and it.ref.key_type is not None
            and it.ref.run_id != run.run_id
            and it.ref.run_id not in self.files
        )
        if files_a_day - used - first <= 0:
            return False
        self.files[run.run_id] = (None, self.clock.now())
        return True

    async def file_ordered(self, run: RunRef, file_id: str, at: datetime) -> None:
        """What DICT has called it."""
        self.files[run.run_id] = (file_id, at)

    async def file_of(self, run_id: UUID) -> OrderedFile | None:
        """None too where it was not answered yet."""
        file_id, at = self.files.get(run_id, (None, self.clock.now()))
        return None if file_id is None else OrderedFile(file_id, at)

    async def report(self, end: RunEnd, report_id: UUID) -> VSyncResult:
        """Once."""
        run = end.run
        if run.run_id not in self.reports:
            self.reports[run.run_id] = self._report(end, report_id)
        return self.reports[run.run_id]

    def _report(self, end: RunEnd, report_id: UUID) -> VSyncResult:
        run_id = end.run.run_id
        parts = [self.reports[it] for it in end.parts or []]
        found = [] if self.findings is None else self.findings.of_run(run_id)

        # What a rung could not repair, the next one finds again.
        last = {it.found.remote_cid or it.found.local_cid: it for it in found}

        def count(state: str, *types: DiscrepancyType) -> int:
            return sum(it.state == state and it.found.type in types for it in found)

        return VSyncResult(
            report_id=report_id,
            status=end.status,
            sync_timestamp=end.run.started_at,
            duration_ms=int((end.ended_at - end.run.started_at).total_seconds() * 1000),
            entries_synced=end.keys + sum(it.entries_synced for it in parts),
            entries_created=count("FIXED", DiscrepancyType.MISSING_LOCAL)
            + sum(it.entries_created for it in parts),
            entries_updated=count("FIXED", DiscrepancyType.OUTDATED_LOCAL)
            + sum(it.entries_updated for it in parts),
            entries_deleted=count("IN_REVIEW", *DiscrepancyType)
            + sum(it.entries_deleted for it in parts),
            discrepancies=len(last) + sum(it.discrepancies for it in parts),
            failed=sum(it.state in ("OPEN", "FAILED") for it in last.values())
            + sum(it.failed for it in parts),
            requests=self.requests(run_id) + sum(it.requests for it in parts),
            error_message=end.error,
        )

    async def ended(
        self, end: RunEnd, result: VSyncResult, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        del result
        run = self.runs[end.run.run_id]
        if run.end is not None:
            return
        run.end, run.version = end, run.version + 1
        self.entries.events += events
        if self.findings is not None:
            self.findings.drop(end.run.run_id)

    @staticmethod
    def _older(other: datetime | None, own: datetime | None) -> bool:
        if own is None:
            return False
        return other is None or other < own


@dataclass
class Kept:
    """A row of vsync.discrepancies."""

    found: FoundDiscrepancy
    state: str = "OPEN"
    reason_code: str | None = None


@dataclass
class InMemoryFindings:
    """Findings."""

    entries: InMemoryEntries
    runs: InMemoryRuns
    logs: dict[Staged, list[CidEvent]] = field(default_factory=dict)
    cids: dict[Staged, dict[tuple[bool, bytes], Finding]] = field(default_factory=dict)
    kept: dict[Staged, dict[int, Kept]] = field(default_factory=dict)
    said: dict[tuple[UUID, Rung, bytes], bytes | None] = field(default_factory=dict)
    """What DICT showed, sealed."""

    def __post_init__(self) -> None:
        """Runs end, and what is staged for them goes."""
        self.runs.findings = self

    async def keep_log(self, run_id: UUID, rung: Rung, log: CidLog) -> None:
        """In place of what was kept."""
        self.logs[run_id, rung] = list(log.last_events)

    async def compare_log(
        self, run: RunRef, rung: Rung, settled_before: datetime, vsync: bytes | None
    ) -> Compared:
        """What contradicts the set."""
        stands = set(standing(self.entries, run.set))
        differ = [
            it
            for it in self.logs[run.run_id, rung]
            if (it.type is CidEventType.ADDED) != (it.cid in stands)
        ]
        settled = [it for it in differ if it.at <= settled_before]
        self.cids[run.run_id, rung] = {
            (it.type is CidEventType.ADDED, it.cid): Finding(
                it.cid, it.type is CidEventType.ADDED, it.at
            )
            for it in settled
        }
        remote = sum(it.type is CidEventType.ADDED for it in settled)
        explained = toggled(vsync_of(stands), *(it.cid for it in differ)) == vsync
        unsettled = len(differ) - len(settled)
        return Compared(len(settled) - remote, remote, unsettled, explained=explained)

    @asynccontextmanager
    async def local_cids(self, of: EntrySet) -> AsyncIterator[Reading]:
        """In one piece."""
        cids = b"".join(standing(self.entries, of))

        def read() -> Iterable[Cids]:
            return [np.frombuffer(cids, np.uint8).reshape(-1, CID_BYTES)] if cids else []

        yield read

    async def keep(
        self, run_id: UUID, rung: Rung, only_local: Iterable[bytes], only_remote: Iterable[bytes]
    ) -> None:
        """In place of what was kept."""
        self.cids[run_id, rung] = {
            (remote, cid): Finding(cid, remote, None)
            for remote, cids in ((False, only_local), (True, only_remote))
            for cid in cids
        }

    async def drop_moved(self, run_id: UUID, rung: Rung) -> int:
        """What the log names."""
        named = {it.cid for it in self.logs.get((run_id, rung), [])}
        found = self.cids[run_id, rung]
        gone = [key for key in found if key[1] in named]
        for key in gone:
            del found[key]
        return len(gone)

    async def unread(self, run_id: UUID, rung: Rung, limit: int) -> list[bytes]:
        """Not asked for yet."""
        found = self.cids[run_id, rung]
        return sorted(it.cid for it in found.values() if it.remote and not it.seen_at)[:limit]

    async def read(self, run_id: UUID, rung: Rung, cid: bytes, said: Said) -> None:
        """What DICT said."""
        found = self.cids[run_id, rung]
        found[True, cid] = replace(
            found[True, cid],
            key_hash=said.key_hash,
            seen_at=said.seen_at,
            reason_code=said.reason_code,
        )
        self.said[run_id, rung, cid] = said.sealed

    async def found(self, run: RunRef, rung: Rung) -> list[Finding]:
        """DICT's first."""
        known = sorted(self.cids[run.run_id, rung].values(), key=lambda it: (not it.remote, it.cid))
        return [self._with_ours(run, it) for it in known]

    def _with_ours(self, run: RunRef, it: Finding) -> Finding:
        if it.remote:
            waiting = [
                entry.entry_id
                for entry in self.entries.entries.values()
                if entry.review_id is not None and self._hash(entry) == it.key_hash
            ]
            return replace(it, entry_id=min(waiting)) if waiting else it
        for entry in self.entries.entries.values():
            papers = self.entries.papers.get(entry.entry_id)
            if entry.set == run.set and entry.cid == it.cid and papers is not None:
                return replace(it, entry_id=entry.entry_id, key_hash=papers.key_hash)
        return it

    async def twins(self, run: RunRef, rung: Rung) -> list[Twin]:
        """That stand, and have the key of a remote one."""
        hashes = {it.key_hash for it in self.cids[run.run_id, rung].values() if it.remote}
        return [
            Twin(entry.entry_id, entry.cid, papers.key_hash)
            for entry in self.entries.entries.values()
            if entry.set == run.set
            and entry.cid is not None
            and (papers := self.entries.papers.get(entry.entry_id)) is not None
            and papers.key_hash in hashes
        ]

    async def classified(
        self,
        run: RunRef,
        rung: Rung,
        found: Sequence[FoundDiscrepancy],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """Once."""
        assert (run.run_id, rung) not in self.kept, "a primary key"
        self.kept[run.run_id, rung] = {
            it.number: Kept(
                self._with_versions(run, rung, it),
                "FAILED" if it.reason_code else "OPEN",
                it.reason_code,
            )
            for it in found
        }
        self.runs.runs[run.run_id].version += 1
        self.entries.events += events

    def _with_versions(self, run: RunRef, rung: Rung, it: FoundDiscrepancy) -> FoundDiscrepancy:
        ours = None if it.local_cid is None else self.entries.papers.get(it.entry_id)
        theirs = self.said.get((run.run_id, rung, it.remote_cid or b""))
        return replace(it, local_sealed=None if ours is None else ours.sealed, remote_sealed=theirs)

    async def counts(self, run_id: UUID, rung: Rung) -> dict[DiscrepancyType, int]:
        """By type."""
        counted: dict[DiscrepancyType, int] = {}
        for it in self.kept.get((run_id, rung), {}).values():
            counted[it.found.type] = counted.get(it.found.type, 0) + 1
        return counted

    def of_run(self, run_id: UUID) -> list[Kept]:
        """Of all rungs."""
        return [it for (of, _), kept in self.kept.items() if of == run_id for it in kept.values()]

    def drop(self, run_id: UUID) -> None:
        """What was staged for a run."""
        for staged in (self.logs, self.cids):
            for key in [it for it in staged if it[0] == run_id]:
                del staged[key]

    def drop_others(self, run: RunRef) -> None:
        """What a dead run of the set has left."""
        for other in self.runs.runs.values():
            same = (other.ref.participant, other.ref.key_type) == (run.participant, run.key_type)
            if same and other.ref.run_id != run.run_id:
                self.drop(other.ref.run_id)

    def _hash(self, entry: Entry) -> str | None:
        papers = self.entries.papers.get(entry.entry_id)
        return None if papers is None else papers.key_hash


@dataclass
class InMemoryCorrections:
    """Corrections."""

    entries: InMemoryEntries
    findings: InMemoryFindings

    async def open(
        self, run_id: UUID, rung: Rung, of: DiscrepancyType
    ) -> AsyncIterator[Sequence[FoundDiscrepancy]]:
        """In small batches."""
        kept = self.findings.kept.get((run_id, rung), {})
        items = [
            replace(it.found, stands_at=None if entry is None else entry.stands.dict_time)
            for it in kept.values()
            if it.found.type is of and it.state == "OPEN"
            for entry in [self.entries.entries.get(it.found.entry_id)]
        ]
        for start in range(0, len(items), BATCH_ROWS):
            yield items[start : start + BATCH_ROWS]

    async def correct(
        self,
        run_id: UUID,
        rung: Rung,
        item: FoundDiscrepancy,
        key_hash: str | None,
        decide: Decide,
    ) -> str:
        """All of it or nothing."""
        row = self.findings.kept[run_id, rung][item.number]
        if row.state == "OPEN":
            row.state = await self.entries.change(item.entry_id, key_hash, decide) or "GONE"
        return row.state

    async def settled(
        self, run_id: UUID, rung: Rung, number: int, state: str, reason_code: str | None
    ) -> None:
        """Without a change of the entry."""
        row = self.findings.kept[run_id, rung][number]
        if row.state == "OPEN":
            row.state, row.reason_code = state, reason_code


def standing(entries: InMemoryEntries, of: EntrySet) -> list[bytes]:
    """The CIDs of a set."""
    return [it.cid for it in entries.entries.values() if it.set == of and it.cid is not None]
